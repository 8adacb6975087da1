import assert from "node:assert/strict";
import { pause } from "./pause.ts";

Deno.test("a pause ends as its signal is aborted, and does not begin if it is already", async () => {
  const stop = new AbortController();
  const paused = pause(600_000, stop.signal);
  stop.abort();
  await paused;
  await pause(600_000, stop.signal);
});

Deno.test("a pause takes its time, and leaves nothing behind on its signal", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove(...args));
  const begun = performance.now();
  const paused = pause(20, signal);
  assert.equal(listeners, 1);
  await paused;
  assert.equal(listeners, 0);
  assert(performance.now() - begun >= 15);
  await pause(0);
  await pause(-5);
});
