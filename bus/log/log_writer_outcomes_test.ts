/** Outcomes in the log: one for each work item. */
import assert from "node:assert/strict";
import { LOG_STREAM, outcomeSubject, WORK_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../../tests/support/mod.ts";
import { publishStored } from "../publish_ack.ts";
import { SUBJECT, TestWriter } from "../testing/test_writer.ts";
import type { Stored } from "./log_entry.ts";
import type { LogWriter } from "./log_writer.ts";
import { OutcomeLookup } from "./outcome_lookup.ts";

const WORK = "7.1795459357920106100";
const OUTCOME = outcomeSubject("s", "r", WORK);
/** The other one is a first attempt's result. */
const DUPLICATE = { kind: "duplicate", accepted: { sequence: 1, attempt: 1, outcome: undefined } };

/** Stores an outcome of the same work item. */
function storeOutcome(writer: LogWriter, data: string, id = WORK): Promise<Stored> {
  return writer.store({ subject: OUTCOME, data, id, fenced: true });
}

Deno.test("of two outcomes in one turn the first is stored, and the second a duplicate, also of the same text", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  const [first, second, same] = ["first", "second", "first"].map((data) =>
    storeOutcome(test.writer, data)
  );
  test.append("between");
  assert.deepEqual(await first, { kind: "stored" });
  assert.deepEqual(await second, DUPLICATE);
  assert.deepEqual(await same, DUPLICATE);
  assert.deepEqual((await test.ids()).sort(), [WORK, "between"]);
});

Deno.test("a second outcome is refused beyond the duplicate window, for as long as the log has the first", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  await test.manager.streams.update(LOG_STREAM, { duplicate_window: 100e6 });
  assert.deepEqual(await storeOutcome(test.writer, "first"), { kind: "stored" });
  // That the window is over is seen by another message: its identity counts as new.
  const again = { subject: SUBJECT, data: "again", id: "again" };
  await until(async () => {
    await test.writer.store(again);
    return await test.stored() >= 3;
  });
  assert.deepEqual(await storeOutcome(test.writer, "second"), DUPLICATE);
  await test.manager.streams.deleteMessage(LOG_STREAM, 1);
  assert.deepEqual(await storeOutcome(test.writer, "third"), { kind: "stored" });
});

Deno.test("outcomes that two connections store at once are one", async () => {
  await using nats = await startNats();
  await using one = await TestWriter.start(nats);
  await using other = await TestWriter.start(nats);
  for (let round = 0; round < 50; round++) {
    const work = `${round + 1}.1795459357920106100`;
    const subject = outcomeSubject("s", "r", work);
    const both = await Promise.all(
      [one, other].map(({ writer }, index) =>
        writer.store({ subject, data: `${index}`, id: work, fenced: true })
      ),
    );
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ["duplicate", "stored"]);
  }
  assert.equal(await one.stored(), 50);
});

Deno.test("an outcome whose acknowledgement is lost is stored, and no duplicate of itself", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestWriter.start(nats, { port: proxy.port });
  const stored = storeOutcome(test.writer, "mine");
  test.writer.flush();
  await until(async () => await test.stored() === 1 || proxy.cut());
  proxy.cut();
  await until(() => !test.connection.connected);
  proxy.heal();
  assert.deepEqual(await stored, { kind: "stored" });
  assert.equal(await test.stored(), 1);
});

Deno.test("an outcome whose identity a copy of work has taken is stored anyway, and once", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  for (const id of [WORK, `${WORK}.d`]) {
    await publishStored(test.client, "sessions.x.work.y", "{}", {
      headers: { "Nats-Msg-Id": id },
      stream: WORK_STREAM,
      timeoutMs: 5_000,
    });
  }
  await until(async () => await test.stored() === 2);
  assert.deepEqual(await storeOutcome(test.writer, "first"), { kind: "stored" });
  assert.equal((await storeOutcome(test.writer, "second")).kind, "duplicate");
  const letter = { subject: "sessions.s.dead.r", data: "{}", id: `${WORK}.d` };
  assert.deepEqual(await test.writer.store(letter), { kind: "stored" });
  const { state } = await test.manager.streams.info(LOG_STREAM, { subjects_filter: ">" });
  assert.deepEqual(state.subjects, {
    "sessions.x.stored.y": 2,
    [OUTCOME]: 1,
    "sessions.s.dead.r": 1,
  });
  const asked = { session: "s", role: "r", work: WORK, storedAtMs: Date.now() };
  const accepted = await new OutcomeLookup(test.client).find(asked);
  assert.deepEqual(accepted, { sequence: 3, attempt: 1, outcome: undefined });
});
