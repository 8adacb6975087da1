import assert from "node:assert/strict";
import type { LogEntry, LogWriter } from "@ourocodus/bus";
import { until } from "../tests/support/mod.ts";
import { Journal } from "./journal.ts";

/** A journal whose writer keeps what it is given. */
function fakeJournal(maxHeldBytes = 1_000_000) {
  const entries: { subject: string; event: Record<string, unknown>; id: string }[] = [];
  const writer = {
    heldBytes: 0,
    append({ subject, data, id }: LogEntry) {
      entries.push({ subject, event: JSON.parse(String(data)), id });
    },
  };
  let pending = 0;
  const journal = new Journal({
    writer: writer as unknown as LogWriter,
    relayId: "relay-1",
    maxHeldBytes,
    onPending: () => pending++,
  });
  return { journal, writer, entries, pending: () => pending };
}

Deno.test("a turn's events about work are one a session and type, with a list", () => {
  const { journal, entries, pending } = fakeJournal();
  for (const id of ["1", "2"]) journal.work("s", "work.offered", { id });
  journal.work("t", "work.offered", { id: "3" });
  journal.work("s", "work.dead", { id: '"\n' });
  assert.deepEqual([entries.length, pending()], [0, 1]);
  journal.flush();
  journal.flush();
  assert.deepEqual(
    entries.map(({ subject, event }) => [subject, event.type, event.payload]),
    [
      ["sessions.s.events", "work.offered", {
        relay_id: "relay-1",
        work: [{ id: "1" }, { id: "2" }],
      }],
      ["sessions.s.events", "work.dead", { relay_id: "relay-1", work: [{ id: '"\n' }] }],
      ["sessions.t.events", "work.offered", { relay_id: "relay-1", work: [{ id: "3" }] }],
    ],
  );
  assert.equal(new Set(entries.map(({ id }) => id)).size, 3);
  for (const { id, event } of entries) assert.equal(event.id, id);
});

Deno.test("offers wait for what is stored next; anything else is written at the turn's end", async () => {
  const { journal, entries, pending } = fakeJournal();
  const types = () => entries.map(({ event }) => event.type);
  journal.work("s", "work.offered", { id: "1" });
  journal.endTurn();
  assert.deepEqual([types(), pending()], [[], 0]);
  journal.work("s", "work.returned", { id: "1" });
  journal.endTurn();
  assert.deepEqual([types(), pending()], [["work.offered", "work.returned"], 1]);
  journal.work("s", "work.offered", { id: "2" });
  journal.event("s", "agent.disconnected", {});
  assert.deepEqual(types().slice(2), ["work.offered", "agent.disconnected"]);
  journal.work("s", "work.offered", { id: "3" });
  await until(() => pending() === 2);
  journal.endTurn();
  assert.equal(types().length, 5);
});

Deno.test("a long list is several events, none of them large, and nothing is left out", () => {
  const { journal, entries } = fakeJournal();
  const items = Array.from({ length: 2_000 }, (_, seq) => ({ seq, id: "x".repeat(100) }));
  for (const item of items) journal.work("s", "work.offered", item);
  journal.flush();
  const lists = entries.map(({ event }) => (event.payload as { work: unknown[] }).work);
  assert.ok(lists.length > 1);
  for (const list of lists) assert.ok(JSON.stringify(list).length < 40_000);
  assert.deepEqual(lists.flat(), items);
});

Deno.test("events are dropped, and counted, while too much is held already", () => {
  const { journal, entries, writer } = fakeJournal(100);
  writer.heldBytes = 101;
  journal.event("s", "agent.connected", {});
  journal.forward("s", "{}");
  journal.work("s", "work.offered", {});
  journal.flush();
  assert.deepEqual([entries.length, journal.dropped], [0, 3]);
  writer.heldBytes = 100;
  journal.event("s", "agent.connected", { agent_id: "a" });
  assert.deepEqual(entries[0]?.event.payload, { relay_id: "relay-1", agent_id: "a" });
});
