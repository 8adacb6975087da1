import assert from "node:assert/strict";
import { lastLogSequence } from "@ourocodus/bus";
import { outcomeSubject } from "@ourocodus/protocol";
import { BusClient, startNats, until } from "../tests/support/mod.ts";
import { cli, MemoryOutput, start } from "./testing/memory_console.ts";

const TAIL = ["tail", "results", "--session", "s"];

/** Stores a message in the log, as a relay does. */
async function log(bus: BusClient, subject: string, text: string): Promise<void> {
  const end = await lastLogSequence(bus.connection);
  bus.connection.nats.publish(subject, text);
  await until(async () => await lastLogSequence(bus.connection) > end);
}

async function logResult(bus: BusClient, n: number, options: { role?: string } = {}) {
  const text = `{"id":"id-${n}","type":"result","payload":{"n":${n}}}`;
  await log(bus, outcome(n, options.role), text);
}

function outcome(work: number, role = "r"): string {
  return outcomeSubject("s", role, `${work}.1795459357920106100`);
}

function event(type: string, payload: object, session = "s"): [string, string] {
  return [`sessions.${session}.events`, JSON.stringify({ id: "e", type, payload })];
}

Deno.test("tail results prints the last ten, then what comes, until it is interrupted", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  for (let n = 1; n <= 12; n++) await logResult(bus, n);
  const tail = start(TAIL, { natsUrl: nats.url });
  await until(() => tail.out.lines.length === 10);
  await logResult(bus, 13);
  await until(() => tail.out.lines.length === 11);
  tail.interrupt();
  assert.equal(await tail.code, 130);
  const ids = tail.out.lines.map((line) => /id-(\d+)/.exec(line)?.[1]);
  assert.deepEqual(ids, Array.from({ length: 11 }, (_, n) => `${n + 3}`));
  assert.match(
    tail.out.lines[0] ?? "",
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ✓ r #3 id-3 [\d.]+ h \{"n":3\}$/,
  );
  assert.equal(tail.err.text, "");
});

Deno.test("tail results goes on when NATS was away, and says so", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  await logResult(bus, 1);
  const tail = start(TAIL, { natsUrl: nats.url });
  await until(() => tail.out.lines.length === 1);
  await nats.restart();
  await until(() => bus.connection.connected && tail.err.lines.length === 2);
  await logResult(bus, 2);
  await until(() => tail.out.lines.length === 2);
  tail.interrupt();
  await tail.code;
  assert.equal(
    tail.err.text,
    `connection to ${nats.url} lost, waiting\nconnected to ${nats.url} again\n`,
  );
});

Deno.test("-n, --role, --since and --no-follow choose what is printed", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  for (let n = 1; n <= 15; n++) await logResult(bus, n, { role: n % 3 === 0 ? "x" : "r" });
  const printed = async (...flags: string[]) => {
    const { code, stdout } = await cli([...TAIL, "--no-follow", ...flags], { natsUrl: nats.url });
    assert.equal(code, 0);
    return stdout.split("\n").slice(0, -1).map((line) => Number(/id-(\d+)/.exec(line)?.[1]));
  };
  assert.deepEqual(await printed("-n", "2"), [14, 15]);
  assert.deepEqual(await printed("-n", "2", "--role", "x"), [12, 15]);
  assert.equal((await printed("--since", "1h")).length, 15);
  assert.equal((await printed("--since", "1h", "--last", "3")).length, 3);
  assert.deepEqual(await printed("--since", "1ms"), []);
  assert.deepEqual(await printed("-n", "0"), []);
});

Deno.test("--json is a line each with the message unchanged", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const message = '{"id":"a","type":"result","payload":{"n":12345678901234567890},\n"more":1.0}';
  await log(bus, outcome(42), message);
  await log(bus, outcome(43), "not json \x9b");
  const { stdout } = await cli([...TAIL, "--json", "--no-follow"], { natsUrl: nats.url });
  const [first = "", second = "", end] = stdout.split("\n");
  assert.equal(end, "");
  const { time, message: parsed, ...rest } = JSON.parse(first);
  assert.deepEqual(rest, {
    sequence: 1,
    subject: "sessions.s.results.r",
    session: "s",
    role: "r",
    work: 42,
  });
  assert.match(time, /^\d{4}-.*Z$/);
  assert.equal(parsed.id, "a");
  assert(first.endsWith(`"message":${message.replace("\n", " ")}}`), first);
  assert.equal(JSON.parse(second).text, "not json \x9b");
  assert(!second.includes("\x9b"));
});

Deno.test("what agents write cannot reach the terminal's controls; colours are ours", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const evil = JSON.stringify({
    id: "a",
    type: "error",
    payload: { message: "\x1b[2J\x1b]0;title\x07\x9b2J\nsecond line" },
  });
  await log(bus, outcome(1), evil);
  await log(bus, outcome(2), "\x1b[2Jno json");
  const out = new MemoryOutput({ isTerminal: true, hasColor: true });
  await cli([...TAIL, "--no-follow"], { natsUrl: nats.url, out });
  assert.equal(out.lines.length, 2);
  assert(out.text.includes("\x1b[31m✗\x1b[0m"));
  const withoutOurs = [0, 1, 2, 31, 33, 36]
    .reduce((text, code) => text.replaceAll(`\x1b[${code}m`, ""), out.text);
  assert(![..."\x1b\x07\x9b"].some((character) => withoutOurs.includes(character)), withoutOurs);
});

Deno.test("tail events prints agents, a line for each work item, and progress", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const agent = { agent_id: "a1", role: "r", protocol: "plain", relay_id: "R", reason: "bye now" };
  await log(bus, ...event("agent.disconnected", agent));
  const work = [1, 2].map((seq) => ({ seq, id: `w${seq}`, role: "r", attempt: 1, agent_id: "a1" }));
  await log(bus, ...event("work.offered", { relay_id: "R", work }, "t"));
  const progress = { id: "w1", type: "progress", payload: { percent: 5 }, work: { seq: 1 } };
  await log(bus, "sessions.s.events", JSON.stringify(progress));
  const note = { id: "w1", type: "agent.remark", payload: { message: "hm" }, work: { seq: 1 } };
  await log(bus, "sessions.s.events", JSON.stringify(note));
  await log(bus, ...event("own.type", { any: "thing" }));
  const { stdout } = await cli(["tail", "events", "--no-follow"], { natsUrl: nats.url });
  assert.deepEqual(stdout.split("\n").map((line) => line.slice(24)), [
    's agent.disconnected a1 role=r protocol=plain relay=R reason="bye now"',
    "t work.offered       #1 w1 role=r attempt=1 agent=a1",
    "t work.offered       #2 w2 role=r attempt=1 agent=a1",
    's progress           #1 w1 {"percent":5}',
    "s agent.remark       #1 w1 hm",
    's own.type           {"any":"thing"}',
    "",
  ]);
  const one = await cli(["tail", "events", "--no-follow", "--session", "t"], { natsUrl: nats.url });
  assert.match(one.stdout, /^.{24}work\.offered .*\n.{24}work\.offered .*\n$/);
});

Deno.test("tail results is one line each: a short id, how long it took, the first line", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const id = "work_tnh54vzb4cl62gyncwf3";
  const results = [
    { id, type: "result", payload: { output: "\n  # Done\nmore", exit_code: 0 } },
    { id: "b", type: "result", payload: { text: "x".repeat(300) } },
    { id: "c", type: "error", payload: { message: "no\nluck", code: "exit", stderr: "s" } },
    { id: "d", type: "answer", payload: { message: "\x1b]0;t\x07\u202ehi" } },
  ];
  for (const [n, result] of results.entries()) await log(bus, outcome(n), JSON.stringify(result));
  const { stdout } = await cli([...TAIL, "--no-follow"], { natsUrl: nats.url });
  const lines = stdout.split("\n").map((line) => line.slice(24).replace(/ [\d.]+ h/, ""));
  assert.deepEqual(lines, [
    "✓ r #0 work_tnh54vzb4c… # Done",
    `✓ r #1 b ${"x".repeat(199)}…`,
    "✗ r #2 c no luck (exit)",
    "✓ r #3 answer d \\u001b]0;t\\u0007\\u202ehi",
    "",
  ]);
});

Deno.test("progress shows its message, and JSON where it has none", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const progress = async (payload: object) => {
    const event = { id: "w1", type: "progress", payload, work: { seq: 1 } };
    await log(bus, "sessions.s.events", JSON.stringify(event));
  };
  await progress({ updates: [{ kind: "tool", title: "edit a.ts" }], message: "edits a.ts" });
  await progress({ message: "half", percent: 50 });
  await progress({ updates: [], n: 1 });
  const { stdout } = await cli(["tail", "events", "-s", "s", "--no-follow"], {
    natsUrl: nats.url,
  });
  assert.deepEqual(stdout.split("\n").map((line) => line.slice(24)), [
    "progress           #1 w1 edits a.ts",
    "progress           #1 w1 half percent=50",
    'progress           #1 w1 {"updates":[],"n":1}',
    "",
  ]);
});

Deno.test("--type finds the last ones of a type among many others, and follows", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  for (const n of [1, 2, 3]) await log(bus, ...event("work.dead", { work: [{ seq: n, id: "w" }] }));
  for (let n = 0; n < 300; n++) bus.connection.nats.publish(...event("progress", { n }));
  await until(async () => await lastLogSequence(bus.connection) === 303);
  const args = ["tail", "events", "--type", "work.*", "-n", "2"];
  const tail = start(args, { natsUrl: nats.url });
  await until(() => tail.out.lines.length === 2);
  await log(bus, ...event("progress", { n: 7 }));
  await log(bus, ...event("work.dead", { work: [{ seq: 4, id: "w" }] }));
  await until(() => tail.out.lines.length === 3);
  tail.interrupt();
  await tail.code;
  assert.deepEqual(tail.out.lines.map((line) => /#(\d)/.exec(line)?.[1]), ["2", "3", "4"]);
});

Deno.test("a log that nobody has made yet is made, and followed", async () => {
  await using nats = await startNats();
  const none = await cli([...TAIL, "--no-follow"], { natsUrl: nats.url });
  assert.deepEqual(none, { code: 0, stdout: "", stderr: "" });
});
