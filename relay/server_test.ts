import assert from "node:assert/strict";
import { DiscardPolicy, jetstreamManager } from "@nats-io/jetstream";
import { askRelays } from "@ourocodus/ops";
import { LOG_STREAM } from "@ourocodus/protocol";
import { until } from "../tests/support/mod.ts";
import { Seats } from "./connection_limits.ts";
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from "./settings.ts";
import { answerAgentQueries } from "./directory.ts";
import { relayHandler } from "./server.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** A relay behind real HTTP. */
class TestServer implements AsyncDisposable {
  private constructor(
    readonly test: TestRelay,
    readonly server: Deno.HttpServer<Deno.NetAddr>,
  ) {}

  static async start(limits: Partial<ConnectionLimits> = {}): Promise<TestServer> {
    const test = await TestRelay.start();
    const seats = new Seats({ ...DEFAULT_CONNECTION_LIMITS, ...limits });
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    return new TestServer(test, Deno.serve(options, relayHandler(test.relay, { seats })));
  }

  get host(): string {
    return `127.0.0.1:${this.server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test.relay.drain(0);
    await this.server.shutdown();
    await this.test[Symbol.asyncDispose]();
  }

  async get(path: string, init?: RequestInit): Promise<Answer> {
    const response = await fetch(`http://${this.host}${path}`, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  }

  /** Asks for a handshake with these lines. @returns What comes back first. */
  raw(lines: string[]): Promise<string> {
    return this.#send([...lines, "Host: localhost", "Sec-WebSocket-Version: 13", KEY]);
  }

  /** Asks for a path with these headers alone. @returns What comes back first. */
  head(path: string, headers: string[]): Promise<string> {
    return this.#send([`GET ${path} HTTP/1.1`, ...headers]);
  }

  async #send(lines: string[]): Promise<string> {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.server.addr.port });
    const head = [...lines, "", ""].join("\r\n");
    await connection.write(new TextEncoder().encode(head));
    const buffer = new Uint8Array(4_096);
    return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
  }

  /** Opens a WebSocket. */
  async open(query: string, protocols: string[] = []): Promise<Socket> {
    const socket = new WebSocket(`ws://${this.host}/agent?${query}`, protocols);
    const frames: string[] = [];
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    socket.addEventListener("message", ({ data }) => frames.push(data));
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("no handshake")));
    });
    return { socket, frames, closed };
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

interface Socket {
  readonly socket: WebSocket;
  readonly frames: string[];
  readonly closed: Promise<CloseEvent>;
}

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];

Deno.test("an unknown path is 404, and says which there are", async () => {
  await using server = await TestServer.start();
  for (const path of ["/", "/agents", "/agent/", "/health/x", "/%61gent%2f"]) {
    const { status, headers, body } = await server.get(path);
    assert.equal(status, 404, path);
    assert.deepEqual(body.paths, ["/agent", "/health", "/metrics"]);
    assert.equal(headers.get("content-type"), "application/problem+json");
    assert.equal(headers.get("cache-control"), "no-store");
  }
});

Deno.test("another method than GET is 405, and says what is allowed", async () => {
  await using server = await TestServer.start();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    for (const path of ["/health", "/agent?session_id=s&role=r"]) {
      const { status, headers, body } = await server.get(path, { method });
      assert.equal(status, 405);
      assert.equal(headers.get("allow"), "GET");
      assert.equal(body.error, `method is ${method}, allowed is GET`);
    }
  }
});

Deno.test("health is 200, 503 while NATS is away, and HEAD has no body", async () => {
  await using server = await TestServer.start();
  const healthy = await server.get("/health");
  assert.deepEqual(
    [healthy.status, healthy.body.status, healthy.body.nats],
    [200, "healthy", "connected"],
  );
  const head = await server.get("/health", { method: "HEAD" });
  assert.deepEqual([head.status, head.body], [200, ""]);
  await server.test.nats.kill();
  await until(async () => (await server.get("/health")).status === 503);
  const away = await server.get("/health");
  assert.deepEqual([away.body.status, away.body.nats], ["unhealthy", "disconnected"]);
});

Deno.test("wrong parameters are 400, each named with what is wrong", async () => {
  await using server = await TestServer.start();
  const { status, body } = await server.get(
    "/agent?role=%3E&concurrency=0&agent_id=a%20b&confirm=1",
  );
  assert.equal(status, 400);
  assert.deepEqual(
    (body.errors as { parameter: string }[]).map(({ parameter }) => parameter),
    ["session_id", "role", "agent_id", "concurrency", "confirm"],
  );
  assert.match(String(body.error), /^session_id is missing; role is ">", allowed are A-Z a-z 0-9/);
  const encoded = ["%2A", "a.b", "%00", "a%0Ab", "%F0%9F%A6%8A", "+", "%", "%ff", "x".repeat(65)];
  for (const name of encoded) {
    const answer = await server.get(`/agent?session_id=${name}&role=r`);
    assert.equal(answer.status, 400, name);
    assert.match(String(answer.body.error), /^session_id is /);
  }
  const repeated = await server.get("/agent?session_id=a&session_id=b&role=r");
  assert.match(String(repeated.body.error), /session_id is given 2 times/);
});

Deno.test("a request that is no WebSocket handshake is 426, or 400 where it is half of one", async () => {
  await using server = await TestServer.start();
  for (const method of ["GET", "HEAD"]) {
    const { status, headers } = await server.get("/agent?session_id=s&role=r", { method });
    assert.equal(status, 426);
    assert.equal(headers.get("upgrade"), "websocket");
  }
  const path = "GET /agent?session_id=s&role=r HTTP/1.1";
  assert.match(await server.raw([path, "Connection: Upgrade", "Upgrade: h2c"]), /^HTTP\/1.1 426 /);
  assert.match(await server.raw([path, "Connection: close", "Upgrade: websocket"]), /^HTTP\/1.1 4/);
  const head = [path.replace("GET", "HEAD"), "Connection: Upgrade", "Upgrade: websocket"];
  const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
  assert.match(await server.raw([...head, ...key]), /^HTTP\/1.1 405 /);
  assert.equal(server.test.relay.health().agents, 0);
});

Deno.test("the handshake's header values are taken in any case", async () => {
  await using server = await TestServer.start();
  for (const upgrade of ["WebSocket", "WEBSOCKET"]) {
    const path = "GET /agent?session_id=s&role=r HTTP/1.1";
    const answer = await server.raw([
      path,
      "Connection: keep-alive, Upgrade",
      `Upgrade: ${upgrade}`,
    ]);
    assert.match(answer, /^HTTP\/1.1 101 /);
  }
  await until(() => server.test.relay.health().agents === 0, { message: "both to be gone" });
});

Deno.test("of the subprotocols offered ours is chosen, none is plain, and only others are 400", async () => {
  await using server = await TestServer.start();
  const v1 = await server.open("session_id=s&role=r", ["other", "ourocodus.v1"]);
  assert.equal(v1.socket.protocol, "ourocodus.v1");
  await until(() => v1.frames.length > 0);
  assert.match(v1.frames[0] ?? "", /"type":"relay.welcome"/);
  const plain = await server.open("session_id=s&role=r");
  assert.equal(plain.socket.protocol, "");
  const path = "GET /agent?session_id=s&role=r HTTP/1.1";
  const answer = await server.raw([path, ...UPGRADE, "Sec-WebSocket-Protocol: graphql-ws"]);
  assert.match(answer, /^HTTP\/1.1 400 [\s\S]*graphql-ws/);
  for (const { socket, closed } of [v1, plain]) {
    socket.close();
    await closed;
  }
});

Deno.test("percent-encoded names are the names", async () => {
  await using server = await TestServer.start();
  const { socket, closed, frames } = await server.open("session%5Fid=%73&role=%72&concurrency=2");
  server.test.work("1", "2");
  await until(() => frames.length === 2);
  socket.close();
  await closed;
});

Deno.test("a real socket's frames are handled, and what is wrong with one closes it with the reason", async () => {
  await using server = await TestServer.start();
  const good = await server.open("session_id=s&role=r");
  server.test.work("1");
  await until(() => good.frames.length === 1);
  good.socket.send('{"id":"1","type":"result","payload":{}}');
  await server.test.hasWaiting(0);
  good.socket.send("nonsense");
  const { code, reason } = await good.closed;
  assert.equal(code, 1007);
  assert.match(reason, /^message is not valid JSON: /);
  const binary = await server.open("session_id=s&role=r");
  binary.socket.send(new Uint8Array([1, 2, 3]));
  assert.deepEqual(
    await binary.closed.then((event) => [event.code, event.reason]),
    [1007, "binary frame; a message is a text frame"],
  );
  await until(() => server.test.relay.health().agents === 0);
});

Deno.test("a relay whose results cannot be stored is unhealthy, and says why to anyone who asks", async () => {
  await using server = await TestServer.start();
  const { test } = server;
  answerAgentQueries(test.connection, test.relay);
  await test.connection.nats.flush();
  const health = async () => {
    const [{ status, body }, { relays }] = await Promise.all([
      server.get("/health"),
      askRelays(test.client),
    ]);
    return [status, body.status, body.reason, relays[0]?.reason];
  };
  const manager = await jetstreamManager(test.client.nats);
  const { state } = await manager.streams.info(LOG_STREAM);
  const full = { max_msgs: state.messages + 2, discard: DiscardPolicy.New };
  await manager.streams.update(LOG_STREAM, full);
  const agent = test.agent({ v1: true });
  test.work("1");
  agent.say("result", await agent.hasWork());
  const reason = "Cannot store in OUROCODUS_LOG: maximum messages exceeded";
  await until(async () => (await health())[0] === 503);
  assert.deepEqual(await health(), [503, "unhealthy", reason, reason]);
  await manager.streams.update(LOG_STREAM, { ...full, max_msgs: -1 });
  await until(async () => (await health())[0] === 200);
  assert.deepEqual(await health(), [200, "healthy", undefined, undefined]);
  assert.equal((await test.results()).length, 1);
});

Deno.test("an agent that never reads is closed as slow, and its work goes to another", async () => {
  await using test = await TestRelay.start({ limits: { maxUnreadBytes: 2_000_000 } });
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, relayHandler(test.relay));
  {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    const path = "GET /agent?session_id=s&role=r&concurrency=64 HTTP/1.1";
    const head = [path, ...UPGRADE, "Host: localhost", "Sec-WebSocket-Version: 13", KEY, "", ""];
    await connection.write(new TextEncoder().encode(head.join("\r\n")));
    await until(() => test.relay.health().agents === 1);
    const payload = { x: "x".repeat(900_000) };
    for (let count = 0; count < 20; count++) {
      test.publish(JSON.stringify({ id: `${count}`, type: "work", payload }));
    }
    await until(() => test.relay.health().agents === 0, { message: "it to be closed" });
    await test.agent({ concurrency: 64 }).hasWork(20);
  }
  await server.shutdown();
});

Deno.test("a relay that is going away answers 503 to an agent", async () => {
  await using server = await TestServer.start();
  await server.test.relay.drain(0);
  const path = "GET /agent?session_id=s&role=r HTTP/1.1";
  const answer = await server.raw([path, ...UPGRADE]);
  assert.match(answer, /^HTTP\/1.1 503 [\s\S]*retry-after: 1[\s\S]*this relay is going away/);
  assert.equal((await server.get("/health")).body.status, "draining");
});

Deno.test("a page of another host is refused before the upgrade", async () => {
  await using server = await TestServer.start();
  const answer = await server.raw([
    "GET /agent?session_id=s&role=r HTTP/1.1",
    "Origin: https://evil.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
  ]);
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /Origin is \\"https:\/\/evil\.example\\"/);
  assert.equal(server.test.relay.health().agents, 0);
});

Deno.test("a request for another host, or with endless headers, is refused with why", async () => {
  await using server = await TestServer.start();
  for (const path of ["/health", "/metrics", "/agent?session_id=s&role=r", "/nowhere"]) {
    const rebound = await server.head(path, ["Host: evil.example"]);
    assert.match(rebound, /^HTTP\/1\.1 403 [\s\S]*ALLOWED_HOSTS may name it/, path);
  }
  const large = await server.get("/health", { headers: { padding: "x".repeat(20_000) } });
  assert.deepEqual([large.status, large.headers.get("content-type")], [
    431,
    "application/problem+json",
  ]);
  assert.match(String(large.body.detail), /limit is 16384 \(MAX_HEADER_BYTES\)/);
});

Deno.test("one agent more than there are seats for is 503 before the upgrade, until one goes", async () => {
  await using server = await TestServer.start({ maxAgents: 1 });
  const first = await server.open("session_id=s&role=r");
  const path = "GET /agent?session_id=s&role=r HTTP/1.1";
  const full = await server.raw([path, ...UPGRADE]);
  assert.match(full, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1[\s\S]*that is MAX_AGENTS/);
  // As an agent asks for the reason, which it cannot see in the answer to its handshake.
  const asked = await server.get("/agent?session_id=s&role=r");
  assert.deepEqual([asked.status, asked.body.detail], [
    503,
    "1 agents are connected, that is MAX_AGENTS",
  ]);
  first.socket.close();
  await first.closed;
  await until(async () => (await server.raw([path, ...UPGRADE])).startsWith("HTTP/1.1 101"));
  await until(() => server.test.relay.health().agents === 0);
});

Deno.test("an agent that sends more frames in a second than are taken is closed with 4004", async () => {
  await using server = await TestServer.start({ maxFramesPerSecond: 10 });
  const { socket, closed } = await server.open("session_id=s&role=r");
  const calm = await server.open("session_id=s&role=r");
  // Twice as many, as a second may end between them.
  for (let frame = 0; frame < 21; frame++) {
    socket.send('{"id":"x","type":"progress","payload":{}}');
  }
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [
    4004,
    "more than 10 frames in a second (MAX_FRAMES_PER_SECOND)",
  ]);
  assert.equal(calm.socket.readyState, WebSocket.OPEN);
  calm.socket.close();
  await calm.closed;
});
