import assert from "node:assert/strict";
import type { Asked, Said } from "./dialect.ts";
import { parseScript, placeOf, scriptIn, timesOf } from "./script.ts";

function asked(...said: Said[]): Asked {
  return { tools: [], said, all: "", model: "m", stream: false };
}

const prompt = (text: string): Said => ({ kind: "prompt", text });
const result = (text = "ok"): Said => ({ kind: "result", text });

Deno.test("a script is steps with words in quotes, which are JSON strings", () => {
  assert.deepEqual(parseScript('write a.txt "one; two\\n"; run "echo \\"hi\\""; say done now'), [
    { verb: "write", args: ["a.txt", "one; two\n"], before: [] },
    { verb: "run", args: ['echo "hi"'], before: [] },
    { verb: "say", args: ["done", "now"], before: [] },
  ]);
});

Deno.test("words before a step belong to it, and those at the end to a last word", () => {
  const [run, say] = parseScript("fail 429 2 1; think hm; run ls; stop refusal");
  assert.deepEqual(run?.before, [["fail", "429", "2", "1"], ["think", "hm"]]);
  assert.deepEqual(say, { verb: "say", args: ["done"], before: [["stop", "refusal"]] });
});

Deno.test("a call's arguments are JSON without quotes around it", () => {
  const [call] = parseScript('call LS {"path": "/", "all": true}; say x');
  assert.deepEqual(call?.args, ["LS", '{"path": "/", "all": true}']);
});

Deno.test("the script is found in a line of the prompt, also where the prompt was quoted again", () => {
  assert.equal(scriptIn("Do this.\nSCRIPT: say a\nThanks"), " say a");
  assert.equal(scriptIn('"SCRIPT: say \\"a b\\""'), ' say "a b"');
  assert.equal(scriptIn("PRESCRIPT: say a"), undefined);
  assert.equal(scriptIn("nothing"), undefined);
});

Deno.test("the step follows from the tool results after the last prompt with a script", () => {
  const script = prompt("SCRIPT: run a; run b; say c");
  assert.equal(placeOf(asked(script)).step.args[0], "a");
  assert.equal(placeOf(asked(script, result())).step.args[0], "b");
  // An interrupted command that an agent tells of after a crash counts as done.
  assert.equal(placeOf(asked(script, result("interrupted"), prompt("go on"))).step.args[0], "b");
  const another = prompt("SCRIPT: say d");
  assert.equal(placeOf(asked(script, result(), another)).step.args[0], "d");
  assert.equal(placeOf(asked(script, result(), prompt("go on"), another)).scripts, 2);
  assert.equal(placeOf(asked(script, result(), result(), result())).step.args[0], "done");
});

Deno.test("a prompt without a script is answered with what was heard", () => {
  assert.match(placeOf(asked(prompt("hello"))).step.args[0] ?? "", /^No script.*hello$/);
  assert.match(placeOf(asked()).step.args[0] ?? "", /^No script/);
});

Deno.test("the same script in another prompt is counted apart", () => {
  const script = prompt("SCRIPT: fail 500; say a");
  const first = placeOf(asked(script)).key;
  assert.notEqual(placeOf(asked(script, prompt("x"), script)).key, first);
  assert.equal(placeOf(asked(script)).key, first);
});

Deno.test("times are one, a number, or always", () => {
  assert.deepEqual([undefined, "3", "always"].map(timesOf), [1, 3, Infinity]);
});
