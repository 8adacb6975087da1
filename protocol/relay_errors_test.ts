import assert from "node:assert/strict";
import { RELAY_ERROR_CODES } from "./relay_errors.ts";

Deno.test("PROTOCOL.md explains every code of relay.error, and no other", async () => {
  const text = await Deno.readTextFile(new URL("../PROTOCOL.md", import.meta.url));
  const [, table = ""] = /^(\| `relay\.error` code[^]*?)\n\n/m.exec(text) ?? [];
  const explained = Array.from(table.matchAll(/^\| `(\w+)` /gm), ([, code]) => code);
  assert.deepEqual(explained, [...RELAY_ERROR_CODES]);
});
