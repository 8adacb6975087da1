import assert from "node:assert/strict";
import { fillArgument } from "./template.ts";

const values = { message: "{id}{{role}}$&", id: "7", session: "s", role: "r" };

Deno.test("places are filled once, and braces that are none stay", () => {
  const cases = {
    "": "",
    "{id}{id}": "77",
    "--x={session}/{role}": "--x=s/r",
    "{message}": "{id}{{role}}$&",
    "{{id}} {{{id}}}": "{id} {{id}}",
    "{ id } {ID} {} { {attempt} ${id}": "{ id } {ID} {} { {attempt} $7",
    "{print $1}": "{print $1}",
  };
  for (const [argument, text] of Object.entries(cases)) {
    assert.deepEqual(fillArgument(argument, values), { kind: "ok", text }, argument);
  }
});

Deno.test("a message is missed only where it is asked for", () => {
  const none = { ...values, message: undefined };
  assert.deepEqual(fillArgument("x{message}", none), { kind: "absent", name: "message" });
  assert.deepEqual(fillArgument("{{message}}", none), { kind: "ok", text: "{message}" });
  const empty = { ...values, message: "" };
  assert.deepEqual(fillArgument("x{message}", empty), { kind: "ok", text: "x" });
});
