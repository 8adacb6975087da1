import { findNatsServer } from "@ourocodus/setup";
import assert from "node:assert/strict";
import { freePort, isRunning, until } from "../tests/support/mod.ts";
import { DemoError } from "./demo_error.ts";
import { type DemoOptions, runDemo } from "./demo.ts";
import { createScreen } from "./screen.ts";

/** A relay that is ready at once; what was started beside it and the API counts as its agents. */
const RELAY = `
  console.log("relay stand-in-" + Deno.pid);
  const started = () => [...Deno.readDirSync(import.meta.dirname + "/../pids")].length;
  Deno.serve({
    port: Number(Deno.env.get("PORT")),
    hostname: Deno.env.get("HOST"),
    onListen: () => {},
  }, () => Response.json({ relay_id: "stand-in-" + Deno.pid, agents: started() - 2 }));
`;
/** An API that is ready at once. Like the real one it says so when it listens, not before. */
const API = `
  Deno.serve({
    port: Number(Deno.env.get("PORT")),
    hostname: Deno.env.get("HOST"),
    onListen: () => console.log("API and monitor on"),
  }, () => new Response("{}"));
`;
const WAITS = `setInterval(() => {}, 1000);`;

/** Stand-ins for the programs, and what the demo says. */
interface Stage extends AsyncDisposable {
  readonly options: DemoOptions;
  readonly said: string[];
  /** The process ids of the stand-ins that were started. */
  pids(): Promise<number[]>;
  readonly end: AbortController;
}

async function stage(
  programs: { relay?: string; agent?: string; cli?: string },
  options: Partial<DemoOptions> = {},
): Promise<Stage> {
  const root = await Deno.makeTempDir({ prefix: "ourocodus-stage-" });
  const scripts = {
    "relay/main.ts": programs.relay ?? RELAY,
    "api/main.ts": API,
    "agent/main.ts": programs.agent ?? WAITS,
    "cli/main.ts": programs.cli ?? "",
  };
  await Deno.mkdir(`${root}/pids`);
  await Deno.writeTextFile(`${root}/deno.json`, "{}");
  for (const [path, text] of Object.entries(scripts)) {
    await Deno.mkdir(`${root}/${path.split("/")[0]}`);
    const pid = `Deno.writeTextFileSync(${JSON.stringify(root)} + "/pids/" + Deno.pid, "");`;
    await Deno.writeTextFile(`${root}/${path}`, `${pid}\n${text}\nexport {};\n`);
  }
  await Deno.mkdir(`${root}/web`);
  await Deno.writeTextFile(`${root}/web/ensure.ts`, "");
  const nats = await findNatsServer({ env: Deno.env.toObject() });
  assert(nats, "no nats-server: run deno task setup");
  const said: string[] = [];
  const end = new AbortController();
  return {
    said,
    end,
    options: {
      root,
      env: { ...Deno.env.toObject(), NATS_SERVER: nats.path, npm_lifecycle_event: "" },
      once: true,
      screen: createScreen((line) => said.push(line), false),
      signal: end.signal,
      hurry: new AbortController().signal,
      ports: { nats: freePort(), relay: freePort(), api: freePort() },
      ...options,
    },
    pids: async () => (await names(`${root}/pids`)).map(Number),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

/** Checks that the stand-ins were started and that none of them runs any more. */
async function assertAllEnded(stage: Stage, count: number): Promise<void> {
  const pids = await stage.pids();
  assert.equal(pids.length, count);
  assert(count > 0);
  for (const pid of pids) assert.equal(await isRunning(pid), false, `process ${pid} runs`);
  assert.match(stage.said.at(-1) ?? "", /^Stopped .*nats-server; nothing is left running$/);
}

async function demoError(options: DemoOptions): Promise<string> {
  const error = await runDemo(options).then(() => undefined, (error) => error);
  assert(error instanceof DemoError, `${error}`);
  return error.message;
}

Deno.test("the demo runs each program where it says, then stops them all", async () => {
  const script = `
    const words = [Deno.env.get("NATS_URL"), ...Deno.args];
    Deno.writeTextFileSync(Deno.env.get("SEEN")!, words.join(" "));
  `;
  await using play = await stage({ cli: script });
  const seen = `${play.options.root}/seen`;
  const ports = play.options.ports;
  assert(ports);
  await runDemo({ ...play.options, env: { ...play.options.env, SEEN: seen } });
  assert.equal(
    await Deno.readTextFile(seen),
    `nats://127.0.0.1:${ports.nats} send work --session demo --role echo --message hello --wait`,
  );
  const text = play.said.join("\n");
  assert.match(text, new RegExp(`nats://127\\.0\\.0\\.1:${ports.nats} `));
  assert.match(text, new RegExp(`ws://127\\.0\\.0\\.1:${ports.relay} `));
  assert.match(text, new RegExp(`api +http://127\\.0\\.0\\.1:${ports.api} +the monitor`));
  assert.match(text, /That took \d+\.\d\d s/);
  await assertAllEnded(play, 4);
});

Deno.test("the demo hands on nothing of the user's that leads elsewhere", async () => {
  const script = `
    const names = ["NATS_TOKEN", "SESSION_ID", "PORT", "OUROCODUS_REPLICAS", "ANYTHING"];
    Deno.writeTextFileSync(Deno.env.get("SEEN")!, names.map((n) => Deno.env.get(n)).join());
  `;
  await using play = await stage({ cli: script });
  const seen = `${play.options.root}/seen`;
  const mine = { NATS_TOKEN: "t", SESSION_ID: "s", PORT: "1", OUROCODUS_REPLICAS: "3" };
  const env = { ...play.options.env, ...mine, ANYTHING: "else", SEEN: seen };
  await runDemo({ ...play.options, env });
  assert.equal(await Deno.readTextFile(seen), ",,,,else");
});

Deno.test("the demo names the program that does not start, and shows its log", async () => {
  await using play = await stage({ relay: `console.error("no luck today"); Deno.exit(9);` });
  const message = await demoError(play.options);
  assert.equal(
    message,
    "The relay ended with exit code 9. The end of its log:\n  no luck today",
  );
  await assertAllEnded(play, 1);
});

Deno.test("the demo names the program that ends while it runs", async () => {
  const agent = `
    console.error("I am tired");
    const end = () => { try { Deno.statSync(Deno.env.get("GO")!); Deno.exit(4); } catch {} };
    setInterval(end, 10);
  `;
  await using play = await stage({ agent }, { once: false });
  const go = `${play.options.root}/go`;
  // The agent ends once the demo has shown its result.
  const screen = createScreen((line) => {
    play.said.push(line);
    if (line.includes("until you press Ctrl-C")) Deno.writeTextFileSync(go, "");
  }, false);
  const message = await demoError({
    ...play.options,
    screen,
    env: { ...play.options.env, GO: go },
  });
  assert.match(message, /^The echo agent ended with exit code 4\..*\n {2}I am tired$/);
  await assertAllEnded(play, 4);
});

Deno.test("the demo fails if the command that sends work does", async () => {
  await using play = await stage({ cli: "Deno.exit(3);" });
  assert.equal(await demoError(play.options), "The command ended with exit code 3");
  await assertAllEnded(play, 4);
});

Deno.test("a signal ends the demo while it waits for the result", async () => {
  const cli = `Deno.writeTextFileSync(Deno.env.get("SENT")!, ""); ${WAITS}`;
  await using play = await stage({ cli });
  const sent = `${play.options.root}/sent`;
  const running = runDemo({ ...play.options, env: { ...play.options.env, SENT: sent } });
  const reason = new Error("asked to end");
  await until(async () => (await names(play.options.root)).includes("sent"));
  play.end.abort(reason);
  await assert.rejects(running, (error) => error === reason);
  await assertAllEnded(play, 4);
});

Deno.test("a program that does not end by itself is killed when the user is in a hurry", async () => {
  const stubborn = `Deno.addSignalListener("SIGTERM", () => {}); ${WAITS}`;
  const hurry = new AbortController();
  await using play = await stage({ agent: stubborn }, { hurry: hurry.signal });
  hurry.abort();
  await runDemo(play.options);
  await assertAllEnded(play, 4);
});

Deno.test("the demo takes the next ports if somebody has the wanted ones, and says so", async () => {
  await using play = await stage({});
  const ports = play.options.ports;
  assert(ports);
  using _nats = Deno.listen({ hostname: "127.0.0.1", port: ports.nats });
  using _relay = Deno.listen({ hostname: "127.0.0.1", port: ports.relay });
  await runDemo(play.options);
  const text = play.said.join("\n");
  assert.match(text, new RegExp(`${ports.nats} is taken, so it uses \\d+; JetStream`));
  assert.match(text, new RegExp(`${ports.relay} is taken, so it uses \\d+;`));
  assert.match(text, /NATS_URL=nats:\/\/127\.0\.0\.1:\d+ deno task cli send work/);
});

Deno.test("the demo shows commands with npx to who started it with npx", async () => {
  await using play = await stage({});
  await runDemo({ ...play.options, env: { ...play.options.env, npm_lifecycle_event: "npx" } });
  assert.match(play.said.join("\n"), / npx -y deno task cli send work/);
});

Deno.test("two demos at once do not get in each other's way", async () => {
  const ports = { nats: freePort(), relay: freePort(), api: freePort() };
  await using one = await stage({}, { ports });
  await using two = await stage({}, { ports });
  await Promise.all([runDemo(one.options), runDemo(two.options)]);
  // A relay that was too late for its port was started once more.
  for (const demo of [one, two]) await assertAllEnded(demo, (await demo.pids()).length);
});
