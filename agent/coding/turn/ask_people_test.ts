import assert from "node:assert/strict";
import type { Question } from "../../questions.ts";
import { askingPeople } from "./ask_people.ts";
import type { PermissionQuestion } from "./permission_question.ts";
import type { Verdict } from "./permission_policy.ts";

const COMMAND: PermissionQuestion = {
  ...{ tool: "t1", kind: "execute", title: "npm test", command: "npm test", paths: [] },
};
const DENIED: Verdict = { answer: "deny", rule: "edits", why: "commands need a rule" };

/** A decider, the questions that it has asked, and what is answered to each. */
function scene(verdict: Verdict, ...answers: (string | undefined)[]) {
  const asked: Question[] = [];
  const decide = askingPeople(
    () => Promise.resolve(verdict),
    (question) => {
      asked.push(question);
      const answer = answers.shift();
      return Promise.resolve({ answer: answer ?? "deny", by: answer && "ada" });
    },
    { root: "/tree", timeoutMs: 60_000 },
  );
  return { asked, decide: (question = COMMAND) => decide(question, new AbortController().signal) };
}

Deno.test("what no rule allows is asked, and a person decides", async () => {
  const { asked, decide } = scene(DENIED, "allow", "deny", undefined, "allow for this session");
  assert.deepEqual(await decide(), { answer: "allow", rule: "asked", why: "ada allows it" });
  assert.deepEqual(await decide(), { answer: "deny", rule: "asked", why: "ada denies it" });
  const nobody = { answer: "deny", rule: "asked", why: "nobody has answered in time" };
  assert.deepEqual(await decide(), nobody);
  assert.equal((await decide()).answer, "allow");
  assert.deepEqual(asked[0], {
    question: "May it do this (execute)? npm test\nBy itself it may not: commands need a rule",
    options: ["allow", "allow for this work", "allow for this session", "deny"],
    default: "deny",
    fingerprint: "execute: npm test",
    timeoutMs: 60_000,
  });
});

Deno.test("what the agent does not tell exactly cannot be allowed for the session", async () => {
  const { asked, decide } = scene(DENIED, "deny");
  await decide({ ...COMMAND, command: undefined, title: "some tool", kind: "other" });
  assert.deepEqual(asked[0]?.options, ["allow", "allow for this work", "deny"]);
  assert.equal(asked[0]?.fingerprint, undefined);
});

Deno.test("what is allowed for this work is asked once", async () => {
  const { asked, decide } = scene(DENIED, "allow for this work");
  assert.equal((await decide()).answer, "allow");
  assert.equal((await decide()).why, "ada has allowed it for this work");
  assert.equal(asked.length, 1);
});

Deno.test("nobody is asked about what is allowed anyway, or what a rule denies", async () => {
  for (
    const verdict of [
      { answer: "allow", rule: "edits", why: "inside" },
      { answer: "deny", rule: "deny[0]", why: "a rule denies it" },
    ] as const
  ) {
    const { asked, decide } = scene(verdict);
    assert.deepEqual([await decide(), asked], [verdict, []]);
  }
});

Deno.test("a turn that is aborted waits for nobody", async () => {
  const decide = askingPeople(() => Promise.resolve(DENIED), () => new Promise(() => {}), {
    ...{ root: "/tree", timeoutMs: 60_000 },
  });
  const abort = new AbortController();
  const waiting = assert.rejects(decide(COMMAND, abort.signal), /cancelled/);
  setTimeout(() => abort.abort(new Error("cancelled")));
  await waiting;
});
