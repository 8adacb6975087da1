import assert from "node:assert/strict";
import { startNats } from "../tests/support/mod.ts";
import { cli } from "./testing/memory_console.ts";

const PLACE = { OUROCODUS_SESSION: "docs", OUROCODUS_ROLE: "writer" };

Deno.test("the variables stand in for --session and --role, and flags go before them", async () => {
  await using nats = await startNats();
  const sent = async (...args: string[]) =>
    (await cli(["send", "work", "-m", "x", ...args], { natsUrl: nats.url, env: PLACE })).stdout;
  assert.match(await sent(), /subject sessions\.docs\.work\.writer,/);
  assert.match(await sent("-s", "s"), /subject sessions\.s\.work\.writer,/);
  assert.match(await sent("--session=s", "-r", "r"), /subject sessions\.s\.work\.r,/);
  const listed = await cli(["work", "list", "--json"], { natsUrl: nats.url, env: PLACE });
  assert.equal(listed.stdout.trim().split("\n").length, 1);
  const unknown = await cli(["trace", "nothing"], { natsUrl: nats.url, env: PLACE });
  assert.match(unknown.stderr, /in session docs, role writer/);
});

Deno.test("a variable that can be no name is an error that names it; an empty one is none", async () => {
  const bad = await cli(["tail", "results"], { env: { OUROCODUS_SESSION: "a.b" } });
  assert.deepEqual([bad.code, bad.stderr], [
    2,
    'error: OUROCODUS_SESSION is "a.b", allowed are A-Z a-z 0-9 _ -\n',
  ]);
  const role = await cli(["work", "list", "-s", "s"], { env: { OUROCODUS_ROLE: ">" } });
  assert.deepEqual([role.code, role.stderr], [
    2,
    'error: OUROCODUS_ROLE is ">", allowed are A-Z a-z 0-9 _ -\n',
  ]);
  const empty = await cli(["tail", "results"], { env: { OUROCODUS_SESSION: "" } });
  assert.equal(
    empty.stderr,
    "error: --session is missing: give -s SESSION, or set OUROCODUS_SESSION\n",
  );
  // A flag goes before it, whatever it has.
  const flag = await cli(["tail", "results", "-s", "c.d"], { env: { OUROCODUS_SESSION: "a.b" } });
  assert.match(flag.stderr, /^error: --session is "c\.d"/);
});

Deno.test("what is stopped, sent again or let in is what the command line says", async () => {
  for (const command of ["stop", "restart"]) {
    const { code, stderr } = await cli(["agent", command], { env: PLACE });
    assert.deepEqual([code, stderr], [2, "error: give one of names, --session and --all\n"]);
    const role = await cli(["agent", command, "-r", "writer"], { env: PLACE });
    assert.equal(role.code, 2);
  }
  const home = await Deno.makeTempDir();
  try {
    const env = { ...PLACE, OUROCODUS_HOME: home, NATS_CONNECT_TIMEOUT: "1ms" };
    const all = await cli(["agent", "stop", "--all"], { env });
    assert.deepEqual([all.code, all.stdout], [0, "No agents to stop\n"]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
  const token = await cli(["token", "create", "--can", "read"], {
    env: { ...PLACE, OUROCODUS_TOKEN: "a-secret-of-32-characters-or-more" },
  });
  assert.equal(token.code, 0, token.stderr);
  const claims = JSON.parse(atob(token.stdout.split(".")[1] ?? ""));
  assert.doesNotMatch(JSON.stringify(claims), /docs|writer/);
  await using nats = await startNats();
  const again = await cli(["dead", "retry", "7"], { natsUrl: nats.url, env: PLACE });
  assert.match(again.stderr, /session docs has no dead letter 7/);
});

Deno.test("help names the variables and the short forms", async () => {
  for (
    const words of [["agent", "start"], ["send", "work"], ["tail", "results"], ["work", "list"], [
      "work",
      "diff",
    ]]
  ) {
    const { stdout } = await cli([...words, "--help"]);
    const flat = stdout.replaceAll(/\s+/g, " ");
    assert.match(flat, /-s, --session <session> .*\(default: \$OUROCODUS_SESSION/);
    assert.match(flat, /-r, --role <role> .*\(default: \$OUROCODUS_ROLE/);
  }
});
