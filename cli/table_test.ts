import assert from "node:assert/strict";
import { table } from "./table.ts";

Deno.test("columns are as wide as their widest cell, colours aside", () => {
  const red = (text: string) => `<${text}>`;
  assert.deepEqual(
    table([["NAME", "STATUS", "ID"], ["a", { text: "down", color: red }, "1"], [
      "longer",
      "-",
      "",
    ]]),
    ["NAME    STATUS  ID", "a       <down>    1", "longer  -"],
  );
});
