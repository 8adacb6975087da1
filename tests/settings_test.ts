/**
 * What is made from the tables of settings is what they say, and nothing is read past them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { defaultText, settingsIn } from "@ourocodus/protocol";
import { PROGRAMS, settingsFiles, variablesOf } from "./settings_files.ts";
import { ROOT } from "./support/mod.ts";

const SHIPPED = ["protocol", "bus", "ops", "git", "edge", "relay", "agent", "api", "system", "cli"];
const READ = /\b(?:env\.get\(|textSetting\([\w.]+,)\s*"([A-Z_]+)"/g;

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}/${folder}`)) {
    if (isDirectory && name !== "testing") yield* sources(`${folder}/${name}`);
    else if (/(?<!_test)\.ts$/.test(name)) yield `${folder}/${name}`;
  }
}

for (const [path, text] of settingsFiles()) {
  Deno.test(`${path} has the settings of the programs' tables`, () => {
    const isSame = Deno.readTextFileSync(`${ROOT}/${path}`) === text;
    assert.ok(isSame, `${path} is stale, write it: deno task settings`);
  });
}

Deno.test("every variable that shipped code reads by its name is in a table", () => {
  const known = PROGRAMS.flatMap(([, , table]) => variablesOf(table));
  const read = SHIPPED.flatMap((folder) => [...sources(folder)]).flatMap((path) =>
    [...Deno.readTextFileSync(`${ROOT}/${path}`).matchAll(READ)].map(([, name = ""]) => name)
  );
  assert.ok(read.length > 0);
  assert.deepEqual(read.filter((name) => !known.includes(name)), []);
});

Deno.test("the limits in SECURITY.md are the defaults", () => {
  const settings = PROGRAMS.flatMap(([, , table]) => settingsIn(table));
  const rows = [
    ...Deno.readTextFileSync(`${ROOT}/SECURITY.md`).matchAll(
      /^\|[^|]*\| `([A-Z_]+)` +\| `?([^|` ]+)`? *\|/gm,
    ),
  ];
  assert.ok(rows.length >= 10);
  for (const [, name, written] of rows) {
    const setting = settings.find(({ variable }) => variable === name);
    assert.equal(written, setting && defaultText(setting), name);
  }
});
