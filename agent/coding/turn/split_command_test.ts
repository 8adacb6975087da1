import assert from "node:assert/strict";
import fc from "fast-check";
import { splitCommand } from "./split_command.ts";

function words(text: string): string[][] | string {
  const split = splitCommand(text);
  if (split.kind === "doubt") return split.why;
  return split.commands.map((command) => command.map((word) => word.text));
}

Deno.test("a command is split at its operators, and words lose their quotes", () => {
  const cases: Array<[string, string[][]]> = [
    ["deno task test", [["deno", "task", "test"]]],
    ["  deno\ttask  test ;", [["deno", "task", "test"]]],
    ["a 'b c' \"d  e\"f", [["a", "b c", "d  ef"]]],
    ["a '' b", [["a", "", "b"]]],
    ["a '$(x)' ';' \"&& |\"", [["a", "$(x)", ";", "&& |"]]],
    ["a && b || c | d; e\nf", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]],
    ["a &&\n b\n\n", [["a"], ["b"]]],
    ["a 2>&1 | b", [["a"], ["b"]]],
    ["a > /dev/null 2>/dev/null && b </dev/null", [["a"], ["b"]]],
    ["X=1 a", [["X=1", "a"]]],
    ["a#b", [["a#b"]]],
  ];
  for (const [text, commands] of cases) assert.deepEqual(words(text), commands, text);
});

Deno.test("a command that a shell could take for another is in doubt", () => {
  const hostile = [
    "",
    " ",
    ";",
    "a;;b",
    "a &&",
    "&& a",
    "a | | b",
    "a & b",
    "a &",
    "a |& b",
    "a $(rm -rf /)",
    'a "$(rm -rf /)"',
    "a `rm`",
    'a "`rm`"',
    "a $X",
    'a "$X"',
    "a ${X:-$(rm)}",
    "a $'\\n' rm",
    "a > file",
    "a>file",
    "a >> file",
    "a 2> file",
    "a 2>&1file",
    "a >/dev/null/../../etc/passwd",
    "a >/dev/nullx",
    "a < file",
    "a << END\nrm\nEND",
    "a <(rm)",
    "a >(rm)",
    "a &> file",
    "(a)",
    "{ a; }",
    "a() { rm; }",
    "a \\; rm",
    "a \\\nrm",
    'a "\\"; rm"',
    "a 'unfinished",
    'a "unfinished',
    "a # && comment",
    "a\r\nrm",
    "a\u0000rm",
    "a \u001b[0m",
    "* a",
    "de?o task test",
    "~/bin/deno",
    "! a",
    "[ -f a ]",
    "x".repeat(10_001),
  ];
  for (const text of hostile) assert.equal(splitCommand(text).kind, "doubt", text.slice(0, 60));
});

Deno.test("a pattern is a word that may become others", () => {
  const split = splitCommand("ls *.ts '*.ts' ~/x");
  assert.ok(split.kind === "commands");
  assert.deepEqual(split.commands[0]?.map((word) => word.isLiteral), [true, false, true, false]);
});

Deno.test("a split command is what sh runs: each word reaches its program unchanged", async () => {
  const piece = fc.constantFrom(
    "a",
    "b c",
    "'",
    '"',
    " ",
    ";",
    "&&",
    "|",
    "\n",
    "x=1",
    "#",
    "-",
    "é",
  );
  const samples = fc.sample(fc.array(piece, { minLength: 1, maxLength: 8 }), {
    numRuns: 300,
    seed: 7,
  });
  const texts = samples.map((pieces) => `p ${pieces.join("")}`).filter((text) =>
    splitCommand(text).kind === "commands"
  );
  assert.ok(texts.length > 30, `${texts.length} of them can be split`);
  // Each program is a function that prints its words, so that nothing else runs.
  const names = [
    ...new Set(texts.flatMap((text) => (words(text) as string[][]).map(([one]) => one))),
  ]
    .filter((name): name is string => /^[a-z]+$/.test(name ?? ""));
  const functions = names.map((name) =>
    `${name}() { printf '%s\\0' "${name}" "$@"; printf '\\1'; return $r; }`
  ).join("\n");
  let compared = 0;
  for (const text of texts) {
    const commands = words(text) as string[][];
    const isPlain = commands.every(([name]) => names.includes(name ?? ""));
    if (!isPlain || /\|/.test(text)) continue;
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `${functions}\nr=0\n${text}`],
      stderr: "null",
    }).output();
    const ran = new TextDecoder().decode(stdout).split("\u0001").slice(0, -1)
      .map((one) => one.split("\0").slice(0, -1));
    assert.deepEqual(ran, commands, JSON.stringify(text));
    compared++;
  }
  assert.ok(compared > 20, `${compared} of them were compared`);
});
