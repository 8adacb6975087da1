import assert from "node:assert/strict";
import { OptionError } from "../errors.ts";
import { readEnvFile } from "./env_file.ts";

async function read(text: string): Promise<[string, string][]> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, text);
    return readEnvFile(file);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a line is a variable; comments and empty lines are passed over", async () => {
  const text = "# keys\n\nKEY=a=b # c\r\nexport OTHER= x \nEMPTY=\n";
  assert.deepEqual(await read(text), [["KEY", "a=b # c"], ["OTHER", " x"], ["EMPTY", ""]]);
});

Deno.test("one pair of quotes around a value is taken off", async () => {
  assert.deepEqual(await read(`A="x y"\nB='z'\nC="'"\nD="half\n`), [
    ["A", "x y"],
    ["B", "z"],
    ["C", "'"],
    ["D", '"half'],
  ]);
});

Deno.test("a line that is no variable is refused by its number, without what it says", async () => {
  for (const line of ["sk-secret", "=x", "1A=sk-secret", "A B=x", "export"]) {
    await assert.rejects(() => read(`GOOD=1\n${line}\n`), (error) => {
      assert(error instanceof OptionError);
      assert.match(error.message, /whose line 2 /);
      assert.doesNotMatch(error.message, /sk-secret/);
      return true;
    });
  }
});
