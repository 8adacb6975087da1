import assert from "node:assert/strict";
import { unlessAborted } from "./unless_aborted.ts";

Deno.test("what is waited for comes, and fails, as without a signal", async () => {
  const { signal } = new AbortController();
  assert.equal(await unlessAborted(Promise.resolve(7), signal), 7);
  await assert.rejects(unlessAborted(Promise.reject(new Error("no")), signal), /^Error: no$/);
});

Deno.test("what never comes is not waited for once the signal is aborted", async () => {
  const ending = new AbortController();
  const waiting = unlessAborted(new Promise(() => {}), ending.signal);
  ending.abort(new Error("enough"));
  await assert.rejects(waiting, /^Error: enough$/);
  await assert.rejects(unlessAborted(new Promise(() => {}), ending.signal), /^Error: enough$/);
});
