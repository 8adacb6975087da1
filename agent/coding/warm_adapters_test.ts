import assert from "node:assert/strict";
import type { Adapter } from "./acp/mod.ts";
import { foreignFolder, type WaitingFolder } from "./waiting_folder.ts";
import { WarmAdapters } from "./warm_adapters.ts";

/** Adapters that do nothing but end. */
function fakeAdapters() {
  const left = new Set<string>();
  const makeFolder = Promise.withResolvers<WaitingFolder>();
  const adapters = new WarmAdapters({
    slots: 1,
    makeFolder: () => makeFolder.promise,
    start: (_, mark) => {
      left.add(mark);
      const end = Promise.withResolvers<void>();
      const adapter: Partial<Adapter> = {
        ended: end.promise,
        end: () => {
          left.delete(mark);
          end.resolve();
          return end.promise;
        },
      };
      return Promise.resolve({ adapter: adapter as Adapter });
    },
  });
  return { adapters, left, makeFolder };
}

Deno.test("a process that is being started when all are ended is ended too", async () => {
  const { adapters, left, makeFolder } = fakeAdapters();
  const warming = adapters.warm();
  const disposing = adapters[Symbol.asyncDispose]();
  makeFolder.resolve(foreignFolder("/nonexistent/folder"));
  await Promise.all([warming, disposing]);
  assert.equal(left.size, 0);
  await adapters.warm();
  assert.equal(left.size, 0);
});
