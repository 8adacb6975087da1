import { findHome } from "@ourocodus/system";
import assert from "node:assert/strict";
import { adviceLines } from "./status_advice.ts";
import type { PartStatus } from "@ourocodus/system";

const home = findHome(new Map([["OUROCODUS_HOME", "/home/.ourocodus"]]));
const WELL = { home, kept: true, answers: true, problems: [] };

function parts(...states: PartStatus["status"][]): PartStatus[] {
  return states.map((status, index) => ({
    name: ["nats-server", "relay", "api"][index] ?? "",
    status,
    port: 1,
    pid: status === "down" ? null : index + 1,
    container: null,
    since: null,
    version: null,
    restarts: 0,
  }));
}

Deno.test("of a relay that hangs its pid, its log and what restarts it are told", () => {
  assert.deepEqual(
    adviceLines(parts("healthy", "unhealthy", "healthy"), WELL),
    [
      "",
      "relay, pid 2, runs and does not say that it is well. Its log: /home/.ourocodus/logs/relay.log",
      "  kill -KILL 2    ends it, and it is started again",
      "  ourocodus stop --now, then ourocodus start    ends and starts everything",
    ],
  );
});

Deno.test("where nats-server is not well, nothing is to be done about the others", () => {
  const hangs = adviceLines(parts("unhealthy", "unhealthy", "unhealthy"), WELL);
  assert.equal(hangs.filter((line) => line.includes("pid")).length, 1);
  assert.match(hangs[1] ?? "", /^nats-server, pid 1, /);
  assert.deepEqual(
    adviceLines(parts("restarting", "unhealthy"), WELL),
    [],
  );
});

Deno.test("where nats-server greets and does no more, that is to be ended, not the others", () => {
  const states = parts("healthy", "healthy", "unhealthy");
  assert.deepEqual(adviceLines(states, { ...WELL, answers: false }), [
    "",
    "nats-server, pid 1, greets and does not answer. Its log: /home/.ourocodus/logs/nats-server.log",
    "  kill -KILL 1    ends it, and it is started again",
    "  ourocodus stop --now, then ourocodus start    ends and starts everything",
  ]);
});

Deno.test("without a supervisor nothing is started again by itself", () => {
  const lines = adviceLines(parts("healthy", "unhealthy"), { ...WELL, kept: false });
  assert(!lines.join().includes("kill"));
  assert.match(lines.at(-1) ?? "", /ourocodus stop --now, then ourocodus start/);
});

Deno.test("while all is well, or starting, no advice is given", () => {
  for (const state of ["healthy", "starting", "restarting", "down"] as const) {
    assert.deepEqual(adviceLines(parts("healthy", state), WELL), []);
  }
});

Deno.test("what relays cannot do is told once, with what restarts nats-server, and nothing of the others", () => {
  const states = parts("healthy", "unhealthy", "unhealthy");
  const problem = "Cannot store in OUROCODUS_LOG: no acknowledgement";
  assert.deepEqual(adviceLines(states, { ...WELL, problems: [problem, problem] }), [
    "",
    `A relay says: ${problem}`,
    "nats-server, pid 1, does not do what relays ask of it. Its log: /home/.ourocodus/logs/nats-server.log",
    "  kill -KILL 1    ends it, and it is started again",
    "  ourocodus stop --now, then ourocodus start    ends and starts everything",
  ]);
  const inDocker = states.map((part) => ({ ...part, pid: null }));
  assert.deepEqual(adviceLines(inDocker, { ...WELL, problems: [problem] }), [
    "",
    `A relay says: ${problem}`,
  ]);
});
