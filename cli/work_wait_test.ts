import assert from "node:assert/strict";
import { connect, sendWork } from "@ourocodus/bus";
import { SocketAgent, startNats, startRelay, until } from "../tests/support/mod.ts";
import { cli as run, start } from "./testing/memory_console.ts";

const WORK = { session: "s", role: "r" };

async function scene() {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const relay = stack.use(await startRelay({ natsUrl: nats.url }));
  const connection = stack.use(await connect({ url: nats.url }));
  const cli = (...args: string[]) => run(args, { natsUrl: nats.url });
  return {
    cli,
    wait: (...args: string[]) => cli("work", "wait", ...args),
    startWaiting: (...args: string[]) => start(["work", "wait", ...args], { natsUrl: nats.url }),
    list: (...args: string[]) => cli("work", "list", ...args),
    send: async (id: string, role = "r") =>
      (await sendWork(connection, { ...WORK, role, id, payload: { n: id } })).sequence,
    agent: async (role = "r") =>
      stack.use(
        await SocketAgent.connect({ relayUrl: relay.url, ...WORK, role, agentId: `${role}-agent` }),
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("outcomes that come, and those that are there, are printed, of several roles", async () => {
  await using there = await scene();
  const { send, wait, startWaiting } = there;
  const [one, other] = [await there.agent("r"), await there.agent("other")];
  await send("early");
  one.answer(await one.gets(1), { said: "early" });
  const early = await wait("early");
  assert.deepEqual([early.code, early.stderr], [0, ""]);
  assert.match(early.stdout, /^\S+ \S+ #1 r ✓ early \{"said":"early"\}\n$/);
  await send("late");
  await send("elsewhere", "other");
  const [late, elsewhere] = [await one.gets(2), await other.gets(1)];
  const waiting = startWaiting("late", "early", "elsewhere", "late", "--json");
  await until(() => waiting.out.text.includes("early"));
  other.answer(elsewhere, { said: "elsewhere" });
  await until(() => waiting.out.text.includes("elsewhere"));
  one.answer(late, { said: "late" });
  assert.deepEqual([await waiting.code, waiting.err.text], [0, ""]);
  const lines = waiting.out.text.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ message }) => message.payload.said), [
    "early",
    "elsewhere",
    "late",
  ]);
});

Deno.test("waiting ends with 1 for what failed, was cancelled or is unknown", async () => {
  await using there = await scene();
  const { send, wait, cli } = there;
  await send("cancelled");
  const waiting = there.startWaiting("cancelled");
  await until(async () => (await cli("work", "cancel", "cancelled")).code === 0);
  assert.deepEqual([await waiting.code, waiting.err.text], [1, ""]);
  assert.match(waiting.out.text, /✗ error cancelled the work was cancelled \(cancelled\)/);
  const sequence = await send("failed");
  const agent = await there.agent();
  agent.answer(await agent.gets(1), { message: "no" }, "error");
  const failed = await wait("--sequence", `${sequence}`);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /✗ error failed no/);
  const unknown = await wait("nothing", "failed");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^error: nothing is known of work with the id "nothing"/);
  assert.match(unknown.stdout, /✗ error failed no/);
});

Deno.test("waiting that takes too long ends with 3, and says of which work and where to look", async () => {
  await using there = await scene();
  await there.send("slow");
  const { code, stdout, stderr } = await there.wait("slow", "--timeout", "200ms");
  assert.deepEqual([code, stdout, stderr], [
    3,
    "",
    "error: slow has no result within 200ms (session s, role r, sequence 1); " +
    '"ourocodus trace --sequence 1" tells where it is\n',
  ]);
  const tooLong = await there.wait("slow", "--timeout", "25d");
  assert.deepEqual([tooLong.code, tooLong.stderr], [
    2,
    'error: --timeout is "25d", allowed is 1ms to 24d\n',
  ]);
});

Deno.test("work list tells what waits and what is in hand, a page at a time", async () => {
  await using there = await scene();
  const { send, list } = there;
  const none = await list("--session", "s");
  assert.deepEqual([none.code, none.stdout], [0, "No work of session s waits or is in hand\n"]);
  const agent = await there.agent();
  await send("a");
  await agent.gets(1);
  await send("b");
  await send("c", "other");
  const all = await list("--session", "s");
  assert.equal(all.code, 0, all.stderr);
  const [head, ...rows] = all.stdout.trim().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(head, ["SEQUENCE", "STORED", "ROLE", "ID", "STATE"]);
  assert.deepEqual(rows.map(([sequence, , role, id]) => [sequence, role, id]), [
    ["1", "r", "a"],
    ["2", "r", "b"],
    ["3", "other", "c"],
  ]);
  assert.match(rows[0]?.[4] ?? "", /^in hand: agent r-agent, attempt 1, for /);
  assert.deepEqual(rows.slice(1).map((row) => row[4]), ["waiting", "waiting"]);
  const page = await list("--session", "s", "--role", "r", "--limit", "1");
  assert.match(page.stdout, /^1 .*\nand more: --after 1 shows them\n$/m);
  const next = await list("--session", "s", "--after", "1", "--limit", "1", "--json");
  const { id, state, payload } = JSON.parse(next.stdout);
  assert.deepEqual([id, state, payload.n], ["b", "waiting", "b"]);
  assert.equal((await list()).code, 2);
});
