import assert from "node:assert/strict";
import { ServeError } from "./errors.ts";
import type { ServeOptions } from "./serve.ts";
import { workLine } from "./testing/fake_relay.ts";
import { StandInRelay, storedLine } from "./testing/stand_in_relay.ts";
import { TestAgent } from "./testing/test_agent.ts";

Deno.test("what is ready at once travels in one frame over a real socket", async () => {
  await using relay = new StandInRelay();
  const agent = new TestAgent(relay.url, () => ({}), { concurrency: 1_024 });
  const socket = await relay.connection(0);
  const leases = Array.from({ length: 1_000 }, (_, index) => `L${index}`);
  socket.send(leases.map((lease) => workLine(lease, lease)).join("\n"));
  await relay.messages(1_000);
  assert.equal(relay.frames.length, 1);
  socket.send(storedLine(...leases));
  assert.equal(await agent.stop(), undefined);
});

Deno.test("a result that was lost with its connection is sent again", async () => {
  await using relay = new StandInRelay();
  const agent = new TestAgent(relay.url, () => ({}));
  (await relay.connection(0)).send(workLine("1", "L"));
  await relay.messages(1);
  relay.sockets[0]?.close(4000, "draining");
  const second = await relay.connection(1);
  await relay.messages(2);
  second.send(storedLine("L"));
  assert.equal(await agent.stop(), undefined);
  assert.deepEqual(relay.sent.flatMap(({ lease }) => lease ?? []), ["L", "L"]);
});

Deno.test("a refused connection rejects with the status and the reasons of the body", async () => {
  const body = { error: "role is missing", errors: [{ reason: "role is missing" }] };
  const bodies: [BodyInit, string][] = [
    [JSON.stringify(body), "role is missing"],
    [JSON.stringify({ error: "no such path" }), "no such path"],
    [" plain text ", "plain text"],
    ["", "HTTP status 400"],
    ["null", "null"],
  ];
  for (const [body, reason] of bodies) {
    await using relay = new StandInRelay(() => new Response(body, { status: 400 }));
    const error = await new TestAgent(relay.url, () => ({})).done;
    assert(error instanceof ServeError);
    assert.deepEqual([error.code, error.status, error.reason], ["upgrade_refused", 400, reason]);
    assert.equal(error.message, `Cannot connect to ${relay.url}/agent: 400 ${reason}`);
  }
});

Deno.test("the status alone has to do if a plain request is answered otherwise", async () => {
  await using relay = new StandInRelay((request) =>
    new Response("hello", { status: request.headers.has("upgrade") ? 403 : 200 })
  );
  const error = await new TestAgent(relay.url, () => ({})).done;
  assert(error instanceof ServeError);
  assert.equal(error.reason, "HTTP status 403");
});

Deno.test("a relay that is not ready is tried again", async () => {
  let requests = 0;
  await using relay = new StandInRelay((request) => {
    if (!request.headers.has("upgrade")) return new Response("later", { status: 503 });
    return requests++ < 3 ? new Response("later", { status: 503 }) : undefined;
  });
  const agent = new TestAgent(relay.url, () => ({}));
  await relay.connection(0);
  assert.equal(await agent.stop(), undefined);
  const failures = agent.events.filter((event) => event.type === "unreachable");
  assert.deepEqual(failures.map(({ reason }) => reason), ["503 later", "503 later", "503 later"]);
});

Deno.test("nobody listening is an event, and aborting ends it", async () => {
  const agent = new TestAgent("ws://127.0.0.1:1", () => ({}));
  const event = await agent.told("unreachable");
  assert(event.type === "unreachable");
  assert.match(event.reason, /connect/);
  assert.equal(await agent.stop(), undefined);
});

Deno.test("aborting while the socket opens ends it", async () => {
  await using relay = new StandInRelay();
  const agent = new TestAgent(relay.url, () => ({}));
  assert.equal(await agent.stop(), undefined);
});

Deno.test("a close code from 4500 rejects over a real socket", async () => {
  await using relay = new StandInRelay();
  const agent = new TestAgent(relay.url, () => ({}));
  (await relay.connection(0)).close(4500, "replaced");
  const error = await agent.done;
  assert(error instanceof ServeError);
  assert.deepEqual([error.closeCode, error.reason], [4500, "replaced"]);
});

Deno.test("a server without the subprotocol is no relay", async () => {
  await using relay = new StandInRelay((request) => Deno.upgradeWebSocket(request).response);
  const error = await new TestAgent(relay.url, () => ({})).done;
  assert(error instanceof ServeError);
  assert.equal(
    error.message,
    `Cannot serve from ${relay.url}/agent: server speaks no subprotocol, not ourocodus.v1`,
  );
});

Deno.test("binary frames are passed over", async () => {
  await using relay = new StandInRelay();
  const agent = new TestAgent(relay.url, () => ({}));
  const socket = await relay.connection(0);
  socket.send(new Uint8Array([1, 2, 3]));
  socket.send(workLine("1", "L"));
  await relay.messages(1);
  socket.send(storedLine("L"));
  await agent.stop();
  assert(agent.events.some((event) => event.type === "line.invalid"));
});

Deno.test("wrong options reject before anything is connected", async () => {
  const wrong: [Partial<ServeOptions>, RegExp][] = [
    [{ session: "a.b" }, /^InvalidNameError: session is "a\.b", allowed are A-Z a-z 0-9 _ -$/],
    [{ role: "" }, /^InvalidNameError: role is empty$/],
    [{ agentId: "x".repeat(65) }, /^InvalidNameError: agentId is 65 characters, limit is 64$/],
    [
      { concurrency: 0 },
      /^OptionError: concurrency is 0, allowed is a whole number from 1 to 1024/,
    ],
    [{ drainMs: NaN }, /^OptionError: drainMs is NaN, /],
    [{ backoffBaseMs: 10, backoffCapMs: 5 }, /^OptionError: backoffCapMs is 5, .* from 10 to /],
    [{ relayUrl: "nowhere" }, /^OptionError: relayUrl is "nowhere", it must be a URL like ws:/],
  ];
  for (const [options, message] of wrong) {
    const agent = new TestAgent("ws://127.0.0.1:1", () => ({}), options);
    assert.match(String(await agent.done), message);
  }
});

Deno.test("a token that cannot be told now is asked for again at the next try", async () => {
  await using relay = new StandInRelay();
  const tokens = [
    () => {
      throw new Error("the vault is away");
    },
    () => "half\nwritten",
    () => "good",
  ];
  let asked = 0;
  const token = () => (tokens[asked++] ?? (() => "good"))();
  await using agent = new TestAgent(relay.url, () => ({}), { token });
  await agent.told("connected");
  assert.equal(asked, 3);
  const reasons = agent.events.flatMap((event) => event.type === "unreachable" ? event.reason : []);
  assert.deepEqual(reasons, [
    "the token cannot be told: the vault is away",
    "the token cannot be told: it must be of printable ASCII characters, without spaces",
  ]);
});
