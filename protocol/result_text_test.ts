import assert from "node:assert/strict";
import fc from "fast-check";
import {
  errorHeadline,
  errorText,
  factTexts,
  resultFacts,
  resultHeadline,
  resultText,
} from "./result_text.ts";

Deno.test("a result's text is its output, else its text, else its message, else all as JSON", () => {
  const all = { output: "o", text: "t", message: "m" };
  assert.equal(resultText(all).text, "o");
  assert.equal(resultText({ ...all, output: null }).text, "t");
  assert.equal(resultText({ text: 7, message: "m" }).text, "m");
  assert.deepEqual(resultText({ output: "" }), { text: "", isJson: false });
  assert.deepEqual(resultText({ output: { n: 1 }, text: "t" }), {
    text: '{\n  "n": 1\n}',
    isJson: true,
  });
  assert.deepEqual(resultText({ echo: {} }), { text: '{\n  "echo": {}\n}', isJson: true });
});

Deno.test("a headline is the first line that says something, or JSON in one line", () => {
  assert.equal(resultHeadline({ output: "\n  \n  Fixed it.\nMore" }), "Fixed it.");
  assert.equal(resultHeadline({ n: [1, 2] }), '{"n":[1,2]}');
  assert.equal(resultHeadline({ text: "" }), "");
});

Deno.test("an error is message and code; what else helps are its details", () => {
  const payload = {
    ...{ message: "it ended with 2", code: "exit", exit_code: 2, stderr: "a\nb\n", output: "" },
    ...{ patch: "diff", branch: "b", duration_ms: 3, check: { command: "deno task test" } },
  };
  assert.deepEqual(errorText(payload), {
    message: "it ended with 2",
    code: "exit",
    details: [
      { name: "exit_code", value: "2" },
      { name: "stderr", value: "a\nb\n" },
      { name: "check", value: '{"command":"deno task test"}' },
    ],
  });
  assert.equal(errorHeadline({ message: "one\n  two", code: 7 }), "one two (7)");
  assert.equal(errorHeadline({ why: "x" }), '{"why":"x"}');
});

Deno.test("the facts of a coding agent's result are short; of other results there are none", () => {
  const facts = resultFacts({
    text: "Done.",
    branch: "ourocodus/shop/coder/17",
    commit: "4f1d2c9a7d0c",
    files: [{ path: "a.ts", added: 3, removed: 1 }, { path: "b.png", added: null, removed: null }],
    permissions: [{ answer: "deny" }, { answer: "allow" }, { answer: "deny" }],
    usage: { input_tokens: 1_000, output_tokens: 234, cost: { amount: 0.0234, currency: "USD" } },
  });
  assert.deepEqual(factTexts(facts), [
    "ourocodus/shop/coder/17 (4f1d2c9)",
    "2 files +3 \u22121",
    "2 permissions denied",
    "1,234 tokens",
    "$0.02",
  ]);
  const small = resultFacts({ usage: { cost: { amount: 0.00042, currency: "EUR" } } });
  assert.deepEqual(factTexts(small), ["0.0004 EUR"]);
  assert.deepEqual(factTexts(resultFacts({ branch: "b", files: [] })), ["b", "no changes"]);
  assert.deepEqual(factTexts(resultFacts({ permissions: [{ answer: "deny" }] })), [
    "1 permission denied",
  ]);
  assert.deepEqual(factTexts(resultFacts({ files: ["a"], echo: {} })), []);
});

Deno.test("no payload makes it throw, and it finds nothing but strings and numbers", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (payload) => {
    const mores = [{}, { files: payload, usage: payload }, { usage: { cost: payload } }];
    for (const more of [...mores, { permissions: [payload, null] }, { permissions: payload }]) {
      const whole = { ...payload, ...more };
      assert.equal(typeof resultText(whole).text, "string");
      assert.equal(typeof resultHeadline(whole), "string");
      assert.equal(typeof errorHeadline(whole), "string");
      for (const text of factTexts(resultFacts(whole))) assert.equal(typeof text, "string");
    }
  }));
});
