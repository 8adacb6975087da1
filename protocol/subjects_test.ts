import assert from "node:assert/strict";
import fc from "fast-check";
import {
  deadSubject,
  eventsSubject,
  invalidName,
  parseSubject,
  resultsSubject,
  workSubject,
} from "./subjects.ts";

const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
/** Of what could widen, split or break a subject. */
const nastyNames = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("a", ".", "*", ">", " ", "\n", "\r", "\t", "\0", "=", "$") }),
  names.map((name) => `${name}\n`),
);

Deno.test("every work, results and dead subject parses back to its session and role", () => {
  fc.assert(fc.property(names, names, (session, role) => {
    assert.deepEqual(parseSubject(workSubject(session, role)), { kind: "work", session, role });
    assert.deepEqual(parseSubject(resultsSubject(session, role)), {
      kind: "results",
      session,
      role,
    });
    assert.deepEqual(parseSubject(deadSubject(session, role)), { kind: "dead", session, role });
    assert.deepEqual(parseSubject(eventsSubject(session)), { kind: "events", session });
  }));
});

Deno.test("a name is taken exactly if it is one token of letters, digits, _ and -", () => {
  fc.assert(
    fc.property(fc.oneof(nastyNames, names), (name) => {
      const good = /^[A-Za-z0-9_-]+$/.test(name) && !name.endsWith("\n") && name.length <= 64;
      assert.equal(invalidName(name) === undefined, good);
      if (good) assert.equal(workSubject(name, name).split(".").length, 4);
      else assert.throws(() => workSubject("s", name), { code: "invalid_name" });
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("no subject but ours is parsed", () => {
  const strangers = [
    "",
    "sessions",
    "sessions.s",
    "sessions.s.work",
    "sessions.s.work.r.x",
    "sessions.s.work.",
    "sessions..work.r",
    "sessions.s.work.>",
    "sessions.*.work.r",
    "sessions.s.events.r",
    "sessions.s.agents.r",
    "sessions.s.work.r\n",
    "Sessions.s.work.r",
    "$JS.API.INFO",
  ];
  for (const subject of strangers) assert.equal(parseSubject(subject), undefined, subject);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const parsed = parseSubject(text);
    assert.ok(parsed === undefined || text.startsWith("sessions."));
  }));
});

Deno.test("each wrong name is described with what is allowed", () => {
  assert.equal(invalidName(undefined), "is missing");
  assert.equal(invalidName(null), "is missing");
  assert.equal(invalidName(7), "must be a string, got a number");
  assert.equal(invalidName(""), "is empty");
  assert.equal(invalidName("x".repeat(65)), "is 65 characters, limit is 64");
  assert.equal(invalidName(">"), 'is ">", allowed are A-Z a-z 0-9 _ -');
  assert.throws(() => workSubject("s", "*"), {
    name: "InvalidNameError",
    message: 'role is "*", allowed are A-Z a-z 0-9 _ -',
  });
});

Deno.test("all roles or sessions can be read, never a part of a name", () => {
  assert.equal(resultsSubject("s", "*"), "sessions.s.results.*");
  assert.equal(deadSubject("s", "*"), "sessions.s.dead.*");
  assert.equal(eventsSubject("*"), "sessions.*.events");
  for (const name of [">", "a*", "*.*"]) {
    assert.throws(() => resultsSubject("s", name), { code: "invalid_name" });
    assert.throws(() => eventsSubject(name), { code: "invalid_name" });
  }
  assert.throws(() => resultsSubject("*", "r"), { code: "invalid_name" });
});
