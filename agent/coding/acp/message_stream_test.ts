import assert from "node:assert/strict";
import fc from "fast-check";
import { LineTooLong, messageStream } from "./message_stream.ts";

async function read(chunks: Uint8Array[], maxLineBytes = 1_000) {
  const noise: string[] = [];
  const input = new WritableStream<Uint8Array>();
  const output = ReadableStream.from(chunks) as ReadableStream<Uint8Array>;
  const { readable } = messageStream(input, output, {
    maxLineBytes,
    onNoise: (text) => noise.push(text),
  });
  const messages: unknown[] = [];
  for await (const message of readable) messages.push(message);
  return { messages, noise };
}

function cutInto(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((at) => at % (bytes.length + 1)), bytes.length]
    .toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, index) => bytes.slice(sorted[index], end));
}

Deno.test("messages are the same wherever the output is cut, with what is no message between them", async () => {
  const message = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 });
  const noise = fc.constantFrom("hello", "[1]", "3", "{", "null", '"text"');
  await fc.assert(fc.asyncProperty(
    fc.array(fc.oneof(message, noise)),
    fc.array(fc.nat()),
    async (items, places) => {
      const lines = items.map((item) => typeof item === "string" ? item : JSON.stringify(item));
      const bytes = new TextEncoder().encode(lines.map((line) => `${line}\r\n`).join("\n"));
      const found = await read(cutInto(bytes, places));
      const isNoise = (item: unknown) => typeof item === "string";
      const messages = items.filter((item) => !isNoise(item)).map((i) => JSON.stringify(i));
      assert.deepEqual(found.messages.map((m) => JSON.stringify(m)), messages);
      assert.deepEqual(found.noise, items.filter(isNoise));
    },
  ));
});

Deno.test("a line over the limit is an error, one at the limit is not", async () => {
  const line = new TextEncoder().encode(`{"a":"${"x".repeat(92)}"}`);
  assert.equal(line.length, 100);
  assert.equal((await read([line, new Uint8Array([10])], 100)).messages.length, 1);
  await assert.rejects(read([line, new Uint8Array([10])], 99), LineTooLong);
});
