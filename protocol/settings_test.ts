import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bytesSetting,
  durationSettingMs,
  integerSetting,
  parseBytes,
  parseDurationMs,
  textSetting,
} from "./settings.ts";

const env = (variables: Record<string, string>) => new Map(Object.entries(variables));
const limits = { fallback: 7, min: 1, max: 1_000_000 };

Deno.test("durations have a unit, or are seconds", () => {
  assert.deepEqual(
    ["500ms", "30s", "30", "1.5m", "2h", "7d", " 1s ", "0"].map(parseDurationMs),
    [500, 30_000, 30_000, 90_000, 7_200_000, 604_800_000, 1_000, 0],
  );
  for (const text of ["", "-1s", "1w", "s", "1 s", "1e3", "0x10", "Infinity", "1.", ".5s", "1S"]) {
    assert.equal(parseDurationMs(text), undefined, text);
  }
});

Deno.test("sizes count in powers of 1024, with or without B and i", () => {
  assert.deepEqual(
    ["512", "1K", "1kb", "1KiB", "1.5M", "10MB", "1GiB", "2T", "5B"].map(parseBytes),
    [512, 1024, 1024, 1024, 1_572_864, 10_485_760, 2 ** 30, 2 * 2 ** 40, 5],
  );
  for (const text of ["", "-1", "1X", "KB", "1 KB", "1e6", "1iB", "0x10"]) {
    assert.equal(parseBytes(text), undefined, text);
  }
});

Deno.test("parsing a duration or size never throws, and gives a whole number or nothing", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 30n }),
      fc.constantFrom("", "ms", "d", ".5d", "K", "TB"),
    )
      .map((parts) => parts.join("")),
  );
  fc.assert(fc.property(texts, (text) => {
    for (const value of [parseDurationMs(text), parseBytes(text)]) {
      assert.ok(value === undefined || (Number.isInteger(value) && value >= 0));
    }
  }));
});

Deno.test("an unset or blank variable is as if it were not there", () => {
  for (const variables of [{}, { X: "" }, { X: "  " }] as Record<string, string>[]) {
    assert.equal(textSetting(env(variables), "X"), undefined);
    assert.equal(integerSetting(env(variables), "X", limits), 7);
    assert.equal(durationSettingMs(env(variables), "X", limits), 7);
    assert.equal(bytesSetting(env(variables), "X", limits), 7);
  }
});

Deno.test("a number that is none, or beyond its limits, is refused with name, value and limit", () => {
  const refused: [string, RegExp][] = [
    ["abc", /^X is "abc", it must be a whole number$/],
    ["1.5", /^X is "1.5", it must be a whole number$/],
    ["99999999999999999999", /it must be a whole number$/],
    ["0", /^X is "0", allowed is 1 to 1000000$/],
    ["-3", /allowed is 1 to 1000000$/],
    ["1000001", /allowed is 1 to 1000000$/],
  ];
  for (const [X, message] of refused) {
    assert.throws(() => integerSetting(env({ X }), "X", limits), { name: "SettingError", message });
  }
  assert.throws(() => durationSettingMs(env({ X: "1x" }), "X", limits), {
    message: 'X is "1x", it must be a duration like 30s or 10m',
  });
  assert.throws(() => durationSettingMs(env({ X: "1d" }), "X", limits), {
    message: 'X is "1d", allowed is 1 to 1000000 ms',
  });
  assert.throws(() => bytesSetting(env({ X: "2GB" }), "X", limits), {
    message: 'X is "2GB", allowed is 1 to 1000000 bytes',
  });
  assert.equal(bytesSetting(env({ X: "-1" }), "X", { fallback: 0, min: -1, max: 9 }), -1);
  assert.throws(() => bytesSetting(env({ X: "-1" }), "X", limits), /allowed is 1/);
});
