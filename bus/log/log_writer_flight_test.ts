import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { eventsSubject, LOG_STREAM } from "@ourocodus/protocol";
import { freePort, startNats, until } from "../../tests/support/mod.ts";
import { connect } from "../connection.ts";
import { LogWriter } from "./log_writer.ts";

const SUBJECT = eventsSubject("s");

/** A writer whose entries come to the test, which answers in JetStream's place. */
class Intake implements AsyncDisposable {
  /** All that has come, in its order. */
  readonly received: Msg[] = [];
  readonly settled: string[] = [];
  readonly #writer: LogWriter;
  readonly #stack: AsyncDisposableStack;

  static async start(config?: string): Promise<Intake> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNats({ jetstream: false, config }));
    const connection = stack.use(await connect({ url: nats.url }));
    const writer = stack.adopt(new LogWriter(connection), (writer) => writer.close());
    const server = stack.use(await connect({ url: nats.url }));
    const intake = new Intake(writer, stack.move());
    server.subscribe(SUBJECT, (_, msg) => intake.received.push(msg));
    await server.nats.flush();
    return intake;
  }

  private constructor(writer: LogWriter, stack: AsyncDisposableStack) {
    this.#writer = writer;
    this.#stack = stack;
  }

  append(id: string, data = id): void {
    const onSettled = () => this.settled.push(id);
    this.#writer.append({ subject: SUBJECT, data, id, onSettled });
  }

  /** Acknowledges what asks for it. @param dropped As many before it were not stored. */
  store(messages: readonly Msg[], dropped = 0): void {
    for (const msg of messages) {
      const seq = this.received.indexOf(msg) + 1 - dropped;
      if (msg.reply) msg.respond(JSON.stringify({ stream: LOG_STREAM, seq }));
    }
  }

  /** Waits until so many have come. */
  async has(count: number): Promise<void> {
    await until(() => this.received.length >= count, { message: `${count} entries, not less` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** What a server answers when it has too much to store. */
function refuse(msg: Msg | undefined): void {
  const error = { code: 429, err_code: 10167, description: "too many requests" };
  msg?.respond(JSON.stringify({ stream: LOG_STREAM, seq: 0, error }));
}

Deno.test("the log gets no more at once than a server takes without dropping some", async () => {
  await using intake = await Intake.start();
  const count = 10_000;
  for (let index = 0; index < count; index++) intake.append(`e${index}`);
  let answered = 0;
  let most = 0;
  while (intake.settled.length < count) {
    await until(() => intake.received.length > answered || intake.settled.length === count);
    const come = intake.received.slice(answered);
    most = Math.max(most, intake.received.length - intake.settled.length);
    answered += come.length;
    intake.store(come);
  }
  assert.equal(intake.received.length, count);
  assert.ok(most <= 4_096, `${most} at once`);
});

Deno.test("large entries are as few at once as a server takes without dropping some", async () => {
  await using intake = await Intake.start();
  const large = "x".repeat(500_000);
  for (let index = 0; index < 60; index++) intake.append(`e${index}`, large);
  await intake.has(30);
  const come = intake.received.length;
  assert.ok(come * large.length <= 16 * 2 ** 20, `${come} at once`);
  intake.store(intake.received);
  await until(() => intake.settled.length === come);
});

Deno.test("entries that a server had no room for are not vouched for by one behind them", async () => {
  await using intake = await Intake.start();
  for (const id of ["a", "b", "longest", "c", "d"]) intake.append(id);
  await intake.has(5);
  const [first, ...others] = intake.received;
  // In their order: it has room again when the others come.
  refuse(first);
  intake.store(others);
  await intake.has(10);
  assert.deepEqual(intake.settled, []);
  intake.store(intake.received.slice(5));
  await until(() => intake.settled.length === 5);
});

Deno.test("entries are not vouched for where some of those between the first and the last are not stored", async () => {
  await using intake = await Intake.start();
  for (const id of ["a", "b", "c", "d", "the longest"]) intake.append(id);
  await intake.has(5);
  intake.store(intake.received.slice(0, 2));
  intake.store(intake.received.slice(2), 1);
  await intake.has(10);
  assert.deepEqual(intake.settled, []);
  intake.store(intake.received.slice(5));
  await until(() => intake.settled.length === 5);
});

Deno.test("in a cluster each entry is acknowledged by itself, however many replicas there are", async () => {
  await using intake = await Intake.start(
    `cluster { name: one, listen: "127.0.0.1:${freePort()}" }`,
  );
  for (const id of ["a", "b", "c", "d", "e"]) intake.append(id);
  await intake.has(5);
  assert.equal(new Set(intake.received.map(({ reply }) => reply || "none")).size, 5);
  assert.ok(intake.received.every(({ reply }) => reply));
});
