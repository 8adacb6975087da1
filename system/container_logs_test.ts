import assert from "node:assert/strict";
import { ContainerLogLines } from "./container_logs.ts";

function frame(text: string): Uint8Array {
  const body = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + body.length);
  bytes[0] = 2;
  new DataView(bytes.buffer).setUint32(4, body.length);
  bytes.set(body, 8);
  return bytes;
}

Deno.test("a container's log is split into lines, however it is cut into frames and pieces", () => {
  const frames = [frame("one\ntw"), frame("o\ngrö"), frame("ßer\n"), frame("rest")];
  const all = new Uint8Array(frames.flatMap((bytes) => [...bytes]));
  for (const size of [1, 3, 7, 8, 9, all.length]) {
    const lines = new ContainerLogLines();
    const found: string[] = [];
    for (let at = 0; at < all.length; at += size) {
      found.push(...lines.add(all.subarray(at, at + size)));
    }
    assert.deepEqual(found, ["one", "two", "größer"]);
  }
});
