import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bytes,
  duration,
  flag,
  integer,
  list,
  parseBytes,
  parseDurationMs,
  readSettings,
  type Setting,
  settingsHelp,
  text,
  textSetting,
} from "./settings.ts";

const env = (variables: Record<string, string>) => new Map(Object.entries(variables));
const limits = { fallback: 7, range: [1, 1_000_000] } as const;
const milliseconds = { fallback: "7ms", range: ["1ms", "1000s"] } as const;
const read = (one: Setting, X: string) => readSettings({ one }, env({ X })).one;

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
    const table = {
      number: integer("X", "a number", limits),
      duration: duration("X", "a number", milliseconds),
      size: bytes("X", "a number", limits),
      text: text("X", "a text"),
      flag: flag("X", "whether"),
      list: list("X", "names"),
      group: { other: text("X", "a text", { fallback: "other" }) },
    };
    assert.deepEqual(readSettings(table, env(variables)), {
      number: 7,
      duration: 7,
      size: 7,
      text: undefined,
      flag: false,
      list: [],
      group: { other: "other" },
    });
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
    assert.throws(() => read(integer("X", "a number", limits), X), {
      name: "SettingError",
      message,
    });
  }
  assert.throws(() => read(duration("X", "a number", milliseconds), "1x"), {
    message: 'X is "1x", it must be a duration like 30s or 10m',
  });
  assert.throws(() => read(duration("X", "a number", milliseconds), "1d"), {
    message: 'X is "1d", allowed is 1 to 1000000 ms',
  });
  assert.throws(() => read(bytes("X", "a number", limits), "2GB"), {
    message: 'X is "2GB", allowed is 1 to 1000000 bytes',
  });
  assert.equal(read(bytes("X", "a number", { fallback: 0, range: [-1, 9] }), "-1"), -1);
  assert.throws(() => read(bytes("X", "a number", limits), "-1"), /allowed is 1/);
  assert.throws(() => read(flag("X", "whether"), "maybe"), {
    message: 'X is "maybe", allowed are 1, true, 0 and false',
  });
});

Deno.test("a flag goes before its variable, and is what an error names", () => {
  const table = { number: integer("X", "a number", { ...limits, flag: "--x" }) };
  assert.deepEqual(readSettings(table, env({ X: "none" }), { number: "3" }), { number: 3 });
  assert.throws(() => readSettings(table, env({ X: "3" }), { number: "none" }), {
    message: '--x is "none", it must be a whole number',
  });
});

Deno.test("a declaration whose limits are none is refused where it stands", () => {
  assert.throws(() => integer("X", "a number", { range: ["few", 9] }), /^SettingError: X is "few"/);
});

Deno.test("help has each setting, those of groups too, in 80 columns", () => {
  const table = {
    size: bytes("SIZE", "how large it is ".repeat(5).trim(), {
      fallback: "1KB",
      range: [0, "1MB"],
    }),
    group: { name: text("LONG_NAME", "who", { otherwise: "a random one" }), end: text("END", "e") },
  };
  assert.deepEqual(settingsHelp(table).split("\n"), [
    "  SIZE       how large it is how large it is how large it is how large it is how",
    "             large it is (default: 1KB)",
    "  LONG_NAME  who (default: a random one)",
    "  END        e",
  ]);
});
