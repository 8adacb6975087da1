import assert from "node:assert/strict";
import type { CloseCode } from "@ourocodus/protocol";
import { until } from "../tests/support/mod.ts";
import type { AgentConnection } from "./agent_connection.ts";
import { type Seat, Seats } from "./connection_limits.ts";
import { DEFAULT_CONNECTION_LIMITS } from "./settings.ts";

/** Takes a seat for an agent that notes how it is closed. */
function sit(seats: Seats, session?: string, expiresAt?: number) {
  const seating = seats.take(session ?? "s", expiresAt);
  assert.ok(seating.kind === "ok");
  const closes: [number, string][] = [];
  const buffered = { unreadBytes: 0 };
  const agent = {
    closed: false,
    close: ({ code, meaning }: CloseCode, reason = meaning) => {
      agent.closed = true;
      closes.push([code, reason]);
    },
  };
  seating.seat.occupy(agent as unknown as AgentConnection, buffered);
  return { seat: seating.seat, closes, buffered };
}

function freeAll(...seats: { readonly seat: Seat }[]): void {
  for (const { seat } of seats) seat.free();
}

Deno.test("there are seats for so many agents in all, and for so many of a session", () => {
  const seats = new Seats({ ...DEFAULT_CONNECTION_LIMITS, maxAgents: 3, maxSessionAgents: 2 });
  const [one, two] = [sit(seats, "a"), sit(seats, "a")];
  assert.deepEqual(seats.take("a", undefined), {
    kind: "full",
    reason: "2 agents of session a are connected, that is MAX_SESSION_AGENTS",
  });
  const three = sit(seats, "b");
  assert.deepEqual(seats.take("c", undefined), {
    kind: "full",
    reason: "3 agents are connected, that is MAX_AGENTS",
  });
  one.seat.free();
  one.seat.free();
  assert.equal(seats.taken, 2, "freed twice is freed once");
  const four = sit(seats, "a");
  freeAll(two, three, four);
  assert.equal(seats.taken, 0);
});

Deno.test("an agent that sends more frames in a second than are taken is closed", async () => {
  const seats = new Seats({ ...DEFAULT_CONNECTION_LIMITS, maxFramesPerSecond: 3 });
  const [loud, calm] = [sit(seats), sit(seats)];
  for (let second = 0; second < 3; second++) {
    for (let frame = 0; frame < 3; frame++) assert.ok(loud.seat.takesFrame());
    seats.tick();
  }
  for (let frame = 0; frame < 3; frame++) assert.ok(loud.seat.takesFrame());
  assert.equal(loud.seat.takesFrame(), false);
  seats.tick();
  assert.equal(loud.seat.takesFrame(), false, "nothing is taken until it is closed");
  await until(() => loud.closes.length > 0);
  assert.deepEqual(loud.closes, [
    [4004, "more than 3 frames in a second (MAX_FRAMES_PER_SECOND)"],
  ]);
  assert.ok(calm.seat.takesFrame());
  freeAll(loud, calm);
});

Deno.test("an agent is closed within a second of the end of its token, others stay", () => {
  let now = 1_000;
  const seats = new Seats(DEFAULT_CONNECTION_LIMITS, () => now);
  const [short, long, forever] = [sit(seats, "s", 2_000), sit(seats, "s", 9_000), sit(seats)];
  seats.tick();
  assert.deepEqual(short.closes, []);
  now = 2_000;
  seats.tick();
  assert.deepEqual(short.closes, [
    [4003, "the agent's token has expired; connect again with another"],
  ]);
  assert.deepEqual([long.closes, forever.closes], [[], []]);
  freeAll(short, long, forever);
});

Deno.test("where too much waits for all agents together, the one with most of it is closed", () => {
  const seats = new Seats({ ...DEFAULT_CONNECTION_LIMITS, maxUnreadBytesInAll: 100 });
  const [slow, slower, quick] = [sit(seats), sit(seats), sit(seats)];
  slow.buffered.unreadBytes = 40;
  slow.seat.sent();
  slower.buffered.unreadBytes = 60;
  slower.seat.sent();
  assert.deepEqual(slower.closes, [], "100 are allowed");
  quick.buffered.unreadBytes = 1;
  quick.seat.sent();
  const reason = "101 bytes wait for all agents, limit is 100, and most for this one";
  assert.deepEqual([slow.closes, slower.closes, quick.closes], [[], [[4001, reason]], []]);
  slower.seat.free();
  // What has been read meanwhile counts no more, though nobody has said so.
  slow.buffered.unreadBytes = 0;
  quick.buffered.unreadBytes = 90;
  quick.seat.sent();
  assert.deepEqual([slow.closes, quick.closes], [[], []]);
  freeAll(slow, quick);
});

Deno.test("what waits for closed agents that do not go spares none of the others, and keeps new ones out", () => {
  const seats = new Seats({ ...DEFAULT_CONNECTION_LIMITS, maxUnreadBytesInAll: 100 });
  const [stuck, slow, slower] = [sit(seats), sit(seats), sit(seats)];
  stuck.buffered.unreadBytes = 60;
  stuck.seat.sent();
  stuck.seat.end({ code: 4001, meaning: "slow", reconnect: true } as unknown as CloseCode);
  slow.buffered.unreadBytes = 30;
  slow.seat.sent();
  slower.buffered.unreadBytes = 40;
  slower.seat.sent();
  const reason = "130 bytes wait for all agents, limit is 100";
  assert.deepEqual(slower.closes, [[4001, `${reason}, and most for this one`]]);
  assert.deepEqual(seats.take("s", undefined), {
    kind: "full",
    reason: `${reason} (MAX_UNREAD_BYTES_IN_ALL)`,
  });
  // Still too much a second later, so it is the next one's turn; then there is no other.
  seats.tick();
  assert.deepEqual(slow.closes, [[4001, `${reason}, and most for this one`]]);
  seats.tick();
  slow.seat.free();
  slower.seat.free();
  const next = sit(seats);
  assert.deepEqual([stuck.closes.length, next.closes], [1, []]);
  freeAll(stuck, next);
});
