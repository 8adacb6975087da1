import { SystemError } from "@ourocodus/system";
import assert from "node:assert/strict";
import { freePort, testBinary } from "../tests/support/mod.ts";
import { type DemoOptions, type DemoPorts, runDemo } from "./demo.ts";
import { createScreen } from "./screen.ts";

/** What the user of a demo has set; nothing of it is the demo's. */
const NOT_OURS = {
  NATS_URL: "nats://nobody.invalid:1",
  NATS_TOKEN: "t",
  OUROCODUS_TOKEN: "not for the demo, as nobody needs one",
  OUROCODUS_REPLICAS: "3",
  PORT: "1",
  SESSION_ID: "s",
  RELAY_URL: "ws://nobody.invalid",
};

/** Runs a demo on ports of its own. @returns What it said. */
async function demo(
  { env, ports = somePorts() }: { env?: Record<string, string>; ports?: DemoPorts } = {},
): Promise<{ said: string[]; ports: DemoPorts; error: unknown }> {
  const said: string[] = [];
  const { path } = await testBinary();
  const options: DemoOptions = {
    env: { ...Deno.env.toObject(), NATS_SERVER: path, npm_lifecycle_event: "", ...env },
    once: true,
    screen: createScreen((line) => said.push(line), false),
    signal: new AbortController().signal,
    hurry: new AbortController().signal,
    ports,
  };
  const error = await runDemo(options).then(() => undefined, (error) => error);
  return { said, ports, error };
}

function somePorts(): DemoPorts {
  return { "nats-server": freePort(), relay: freePort(), api: freePort() };
}

Deno.test("the demo runs each part where it says, whatever the user has set, then stops them", async () => {
  const { said, ports, error } = await demo({ env: NOT_OURS });
  assert.equal(error, undefined);
  const text = said.join("\n");
  assert.match(text, new RegExp(`nats://127\\.0\\.0\\.1:${ports["nats-server"]} `));
  assert.match(text, new RegExp(`ws://127\\.0\\.0\\.1:${ports.relay} `));
  assert.match(text, new RegExp(`api +http://127\\.0\\.0\\.1:${ports.api} +the monitor`));
  assert.match(text, /That took \d+\.\d\d s/);
  const end = "Stopped echo agent, api, relay, nats-server; nothing is left running";
  assert.equal(said.at(-1), end);
});

Deno.test("the demo names the part that does not start, and shows its log", async () => {
  const { said, error } = await demo({ env: { MAX_DELIVER: "many" } });
  assert(error instanceof SystemError, `${error}`);
  assert.match(error.message, /^relay ended with exit code 1\. The end of /);
  assert.match(error.lines.join("\n"), /MAX_DELIVER is "many"/);
  assert.equal(said.at(-1), "Stopped nats-server; nothing is left running");
});

Deno.test("the demo takes the next ports if somebody has the wanted ones, and says so", async () => {
  // Three parts look for their ports from the same one on.
  const nats = freePort();
  const ports = { "nats-server": nats, relay: nats, api: nats };
  using _nats = Deno.listen({ hostname: "127.0.0.1", port: ports["nats-server"] });
  const { said, error } = await demo({ ports, env: { npm_lifecycle_event: "npx" } });
  assert.equal(error, undefined);
  const text = said.join("\n");
  assert.match(text, new RegExp(`${ports["nats-server"]} is taken, so it uses \\d+; JetStream`));
  assert.match(text, new RegExp(`${ports.relay} is taken, so it uses \\d+;`));
  // Who started it with npx may have no other Deno.
  assert.match(text, /NATS_URL=nats:\/\/127\.0\.0\.1:\d+ npx -y deno task cli send work/);
});

Deno.test("parts whose wanted ports are neighbours get different ones", async () => {
  const first = somePorts()["nats-server"];
  const ports = { "nats-server": first, relay: first + 1, api: first + 2 };
  using _nats = Deno.listen({ hostname: "127.0.0.1", port: first });
  using _relay = Deno.listen({ hostname: "127.0.0.1", port: first + 1 });
  const { error } = await demo({ ports });
  assert.equal(error, undefined);
});

Deno.test("two demos at once do not get in each other's way", async () => {
  const ports = somePorts();
  const [one, two] = await Promise.all([demo({ ports }), demo({ ports })]);
  assert.deepEqual([one.error, two.error], [undefined, undefined]);
  const taken = [one, two].map(({ said }) => said.join("\n").includes(" is taken, so it uses "));
  // Neither, if one has ended before the other looked for its ports.
  assert.ok(taken.includes(false));
});
