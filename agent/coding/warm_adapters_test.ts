import assert from "node:assert/strict";
import type { Adapter } from "./acp/mod.ts";
import type { WaitingFolder } from "./waiting_folder.ts";
import { WarmAdapters } from "./warm_adapters.ts";

Deno.test("a process that is being started when all are ended is ended too", async () => {
  const told: string[] = [];
  const started = Promise.withResolvers<Adapter>();
  const adapters = new WarmAdapters({
    slots: 1,
    makeFolder: () =>
      Promise.resolve({
        path: "/nowhere",
        release: () => Promise.resolve(void told.push("released")),
      } as unknown as WaitingFolder),
    start: () => started.promise,
  });
  const warming = adapters.warm();
  const ending = adapters[Symbol.asyncDispose]();
  started.resolve({
    ended: new Promise(() => {}),
    end: () => Promise.resolve(void told.push("ended")),
  } as unknown as Adapter);
  await Promise.all([warming, ending]);
  assert.deepEqual(told, ["ended", "released"]);
});
