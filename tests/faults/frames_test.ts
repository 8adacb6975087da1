/**
 * What agents send that no agent should. An agent that does it is told or closed with a code that
 * says what was wrong, its work goes to another agent, and nobody else notices.
 *
 * @module
 */
import assert from "node:assert/strict";
import { OPCODE, type RawClose, RawSocket, residentBytes, until } from "../support/mod.ts";
import { type Fault, faultTest } from "./support/fault.ts";
import { Scene } from "./support/scene.ts";

const MIB = 2 ** 20;
const LIMIT = 64 * 1024;
const UTF8 = new TextEncoder();

/** An agent that does something wrong while it has work. */
interface Offence {
  readonly v1?: boolean;
  readonly scene: Scene;
  /** Does it. @param lease The work's, in v1. */
  readonly commit: (socket: RawSocket, lease: string | undefined) => Promise<unknown>;
}

/**
 * Lets an agent with running work commit an offence for which it is closed.
 *
 * @returns How it was closed. By then another agent has answered its work.
 */
async function closedFor(fault: Fault, offence: Offence): Promise<RawClose> {
  const { scene, v1 = false } = offence;
  await using socket = await offender(scene, v1);
  await using heir = await scene.agent({ role: "other" });
  await scene.send("in-hand");
  const text = await socket.hears("in-hand");
  await using _heirs = await scene.agent();
  fault.strikes();
  const [close] = await Promise.all([
    socket.closed,
    offence.commit(socket, v1 ? JSON.parse(text).lease : undefined),
  ]);
  await scene.answered(1);
  fault.goesOn();
  // Another agent of the same relay has not noticed.
  await scene.books.send(scene.session, "other", "unaffected");
  await heir.gets(1);
  await fault.closes(scene.books);
  return close;
}

function offender(scene: Scene, v1: boolean): Promise<RawSocket> {
  const { session, role, relay } = scene;
  return RawSocket.connect({ relayUrl: relay.url, session, role, v1 });
}

/** A result that is as many characters long as asked. */
function resultOf(length: number, id: string, more = ""): string {
  const [head, tail] = [`{"id":"${id}","type":"result","payload":{"text":"`, `"}${more}}`];
  return `${head}${"x".repeat(length - head.length - tail.length)}${tail}`;
}

faultTest("deep JSON", async (fault) => {
  await using scene = await Scene.start();
  const deep = `{"id":"in-hand","type":"result","payload":${"[".repeat(MIB)}`;
  const close = await closedFor(fault, { scene, commit: (socket) => socket.text(deep) });
  assert.equal(close.code, 1007);
  // Properly closed, it is a result like any other, however deep.
  const nested = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
  const work = JSON.stringify({ id: "nested", type: "work", payload: {} });
  scene.client.publish(scene.session, "deep", work.replace("{}", `{"deep":${nested}}`));
  await using agent = await scene.agent({ role: "deep" });
  assert.equal((await agent.gets(1)).id, "nested");
  await scene.answered(3);
  fault.note("closed with 1007; well-formed depth is carried");
});

faultTest("frame at the limit", async (fault) => {
  await using scene = await Scene.start({ env: { MAX_FRAME_BYTES: String(LIMIT) } });
  await using socket = await offender(scene, false);
  await scene.send("large");
  await socket.hears("large");
  fault.strikes();
  await socket.text(resultOf(LIMIT, "large"));
  await scene.answered(1);
  fault.goesOn();
  const [result] = await scene.client.results(scene.session);
  assert.equal(result?.text.length, LIMIT);
  assert.equal(result?.message.type, "result");
  await fault.closes(scene.books);
  fault.note("taken");
});

faultTest("frame one byte over the limit", async (fault) => {
  await using scene = await Scene.start({ env: { MAX_FRAME_BYTES: String(LIMIT) } });
  const close = await closedFor(fault, {
    scene,
    commit: (socket) => socket.text(resultOf(LIMIT + 1, "in-hand")),
  });
  assert.equal(close.code, 1009);
  assert.match(close.reason, new RegExp(`${LIMIT + 1}.*limit is ${LIMIT}`));
  fault.note("closed with 1009");
});

faultTest("invalid UTF-8", async (fault) => {
  await using scene = await Scene.start();
  const payload = new Uint8Array([
    ...UTF8.encode('{"id":"in-hand","type":"result","payload":{"text":"'),
    ...[0xff, 0xfe, 0xc0],
    ...UTF8.encode('"}}'),
  ]);
  const close = await closedFor(fault, {
    scene,
    commit: (socket) => socket.send({ opcode: OPCODE.text, payload }),
  });
  assert.ok([1002, 1006, 1007].includes(close.code), String(close.code));
  const results = await scene.client.results(scene.session);
  assert.ok(results.every(({ text }) => !text.includes("\ufffd")));
  fault.note(`closed with ${close.code}`);
});

faultTest("binary frame", async (fault) => {
  await using scene = await Scene.start();
  const payload = UTF8.encode('{"id":"in-hand","type":"result","payload":{}}');
  const close = await closedFor(fault, {
    scene,
    commit: (socket) => socket.send({ opcode: OPCODE.binary, payload }),
  });
  assert.equal(close.code, 1007);
  fault.note("closed with 1007");
});

faultTest("fragmented frames", async (fault) => {
  await using scene = await Scene.start();
  await using socket = await offender(scene, false);
  await scene.send("pieces");
  await socket.hears("pieces");
  fault.strikes();
  const bytes = UTF8.encode('{"id":"pieces","type":"result","payload":{"text":"größe"}}');
  // A byte a frame, pings between them, and cut in the middle of characters.
  for (let at = 0; at < bytes.length; at++) {
    const opcode = at === 0 ? OPCODE.text : OPCODE.continuation;
    const payload = bytes.subarray(at, at + 1);
    await socket.send({ opcode, payload, fin: at === bytes.length - 1 });
    if (at % 16 === 0) await socket.send({ opcode: OPCODE.ping });
  }
  await scene.answered(1);
  fault.goesOn();
  const [result] = await scene.client.results(scene.session);
  assert.deepEqual(result?.message.payload, { text: "größe" });
  await fault.closes(scene.books);
  fault.note("put together again");
});

faultTest("compression bomb", async (fault) => {
  await using scene = await Scene.start();
  const before = await residentBytes(scene.relay.process.pid);
  const bomb = await deflated(256 * MIB);
  const close = await closedFor(fault, {
    scene,
    commit: (socket) => {
      assert.doesNotMatch(socket.answer, /permessage-deflate/i);
      return socket.send({ opcode: OPCODE.text, payload: bomb, reserved: 4 });
    },
  });
  assert.ok([1002, 1006].includes(close.code), String(close.code));
  const grown = await residentBytes(scene.relay.process.pid) - before;
  assert.ok(grown < 128 * MIB, `the relay has grown by ${grown} bytes`);
  fault.note(`compression is not agreed to: closed with ${close.code}`);
});

faultTest("a thousand tiny messages in one frame", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, relay } = scene;
  const all = { relayUrl: relay.url, session, role, v1: true, concurrency: 1_000 };
  await using socket = await RawSocket.connect(all);
  for (let n = 0; n < 1_000; n += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => scene.send(`w${n + i}`)));
  }
  const works = await until(() => {
    const lines = socket.texts.flatMap((text) => text.split("\n"));
    const works = lines.filter((line) => line.includes('"lease"'));
    return works.length === 1_000 ? works : undefined;
  }, { message: "1,000 work items", timeoutMs: 60_000 });
  fault.strikes();
  const answers = works.map((text) => {
    const { id, lease } = JSON.parse(text);
    return JSON.stringify({ id, type: "result", payload: {}, lease });
  });
  await socket.text(answers.join("\n"));
  await scene.answered(1_000);
  fault.goesOn();
  const balance = await fault.closes(scene.books);
  assert.equal(balance.answered, 1_000);
  fault.note("all taken");
});

faultTest("a frame that never ends", async (fault) => {
  await using scene = await Scene.start();
  const { pid } = scene.relay.process;
  const before = await residentBytes(pid);
  const part = UTF8.encode("x".repeat(MIB));
  const close = await closedFor(fault, {
    scene,
    // It says that 4 EiB follow, and sends them as long as anybody takes them.
    commit: async (socket) => {
      await socket.send({ opcode: OPCODE.text, payload: part, declaredLength: 2 ** 52 });
      for (let sent = 1; sent < 512 && await socket.write(part); sent++);
    },
  });
  assert.ok([1002, 1006, 1009].includes(close.code), String(close.code));
  const grown = await residentBytes(pid) - before;
  assert.ok(grown < 256 * MIB, `the relay has grown by ${grown} bytes`);
  fault.note(`closed with ${close.code}`);
});

/** This many zero bytes, compressed as permessage-deflate does (RFC 7692). */
async function deflated(length: number): Promise<Uint8Array> {
  const zeros = new Uint8Array(MIB);
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let made = 0; made < length; made += zeros.length) controller.enqueue(zeros);
      controller.close();
    },
  });
  const packed = source.pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
