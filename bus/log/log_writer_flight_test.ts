import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { eventsSubject, LOG_STREAM } from "@ourocodus/protocol";
import { startNats, until } from "../../tests/support/mod.ts";
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

  static async start(): Promise<Intake> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNats({ jetstream: false }));
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

  /** Acknowledges them. */
  store(messages: readonly Msg[]): void {
    for (const msg of messages) {
      msg.respond(JSON.stringify({ stream: LOG_STREAM, seq: this.received.indexOf(msg) + 1 }));
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

Deno.test("an entry that a server had no room for is sent again, by itself", async () => {
  await using intake = await Intake.start();
  for (const id of ["a", "b", "c"]) intake.append(id);
  await intake.has(3);
  const [first, ...others] = intake.received;
  refuse(first);
  intake.store(others);
  await intake.has(4);
  assert.deepEqual(intake.settled, ["b", "c"]);
  intake.store(intake.received.slice(3));
  await until(() => intake.settled.length === 3);
});
