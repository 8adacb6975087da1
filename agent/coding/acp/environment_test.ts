import assert from "node:assert/strict";
import { OptionError } from "../../errors.ts";
import {
  codingEnvironment,
  type CodingEnvironmentOptions,
  parseEnvFile,
  parseGivenVariable,
  writableHome,
} from "./environment.ts";
import { acpPreset, type PermissionLevel, type Preset, PRESETS } from "./presets.ts";

const INHERITED = {
  PATH: "/bin",
  HOME: "/home/me",
  LC_ALL: "C",
  https_proxy: "http://proxy",
  NATS_PASSWORD: "secret",
  OUROCODUS_TOKEN: "secret",
  OUROCODUS_MARK: "other",
  AWS_SECRET_ACCESS_KEY: "secret",
  GITHUB_TOKEN: "secret",
  FORCE_COLOR: "1",
  ANTHROPIC_API_KEY: "key",
};

const preset = (name: string): Preset => PRESETS[name] ?? acpPreset([name]);
const environment = (name: string, options: Partial<CodingEnvironmentOptions> = {}) =>
  codingEnvironment({
    preset: preset(name),
    permissions: "edits",
    inherited: INHERITED,
    given: [],
    ...options,
  });

Deno.test("coding environment has what programs need, the agent's key, and no other secret", () => {
  const claude = environment("claude");
  assert.deepEqual([claude.PATH, claude.HOME, claude.LC_ALL], ["/bin", "/home/me", "C"]);
  assert.equal(claude.ANTHROPIC_API_KEY, "key");
  assert.equal(claude.https_proxy, "http://proxy");
  assert.equal(claude.NO_COLOR, "1");
  for (const name of ["claude", "codex", "gemini", "opencode", "qwen", "other"]) {
    const values = Object.values(environment(name));
    assert.ok(!values.includes("secret") && !values.includes("other"), name);
  }
  assert.equal(environment("gemini").ANTHROPIC_API_KEY, undefined);
  assert.equal(environment("claude").FORCE_COLOR, undefined);
});

Deno.test("coding environment takes what is given, the last one first, but never this agent's own", () => {
  const given = ["GITHUB_TOKEN", ["CLAUDE_CODE_MAX_RETRIES", "9"], ["A", "1"], ["A", "2"]] as const;
  const env = environment("claude", { given });
  const { GITHUB_TOKEN, CLAUDE_CODE_MAX_RETRIES, A } = env;
  assert.deepEqual([GITHUB_TOKEN, CLAUDE_CODE_MAX_RETRIES, A], ["secret", "9", "2"]);
  for (const name of ["NATS_PASSWORD", "OUROCODUS_TOKEN", "OUROCODUS_MARK", "NATS_"]) {
    assert.throws(() => environment("claude", { given: [name] }), OptionError);
    assert.throws(() => environment("claude", { given: [[name, "x"]] }), OptionError);
    assert.throws(() => parseGivenVariable(`${name}=x`), /is not passed to a coding agent/);
  }
  assert.throws(() => environment("claude", { given: ["NOT_THERE"] }), /NOT_THERE is not set/);
  assert.throws(() => environment("claude", { given: [["A", "a\0b"]] }), /NUL/);
});

Deno.test("coding environment has an isolated home for each agent, and passes none of the user's", () => {
  const home = "/homes/coder-1";
  assert.equal(environment("claude", { home }).CLAUDE_CONFIG_DIR, "/homes/coder-1/claude");
  assert.equal(environment("opencode", { home }).XDG_DATA_HOME, "/homes/coder-1/opencode/data");
  assert.equal(environment("other", { home }).HOME, "/homes/coder-1");
});

Deno.test("coding environment says that there is a sandbox to root alone, in the mode that wants it", () => {
  const permissions: PermissionLevel = "all";
  assert.equal(environment("claude", { permissions, isRoot: true }).IS_SANDBOX, "1");
  assert.equal(environment("claude", { permissions }).IS_SANDBOX, undefined);
  assert.equal(environment("claude", { isRoot: true }).IS_SANDBOX, undefined);
});

Deno.test("an env file has names, values, quotes and comments", () => {
  const text = [
    "\uFEFF# keys",
    "A=1",
    "export B = two words # comment",
    'C="a\\nb \\"c\\" #d" # comment',
    "D='$HOME \\n'",
    "E=",
    "F=a#b=c",
    "",
  ].join("\r\n");
  assert.deepEqual(parseEnvFile(text, "x.env"), [
    ["A", "1"],
    ["B", "two words"],
    ["C", 'a\nb "c" #d'],
    ["D", "$HOME \\n"],
    ["E", ""],
    ["F", "a#b=c"],
  ]);
});

Deno.test("an env file's error names the line", () => {
  const wrong: ReadonlyArray<[string, RegExp]> = [
    ["A=1\nB", /^x\.env line 2 has no "="/],
    ["1A=x", /^x\.env line 1: "1A" is no name of a variable$/],
    ["=x", /^x\.env line 1: "" is no name/],
    ['A="x', /^x\.env line 1: the quote " is not closed/],
    ["A='x' y", /^x\.env line 1: the quote ' is not closed, or text follows it$/],
    ["#\n\nNATS_URL=x", /^x\.env line 3: NATS_URL is not passed/],
  ];
  for (const [text, pattern] of wrong) {
    assert.throws(() => parseEnvFile(text, "x.env"), (error) => {
      assert.ok(error instanceof OptionError);
      assert.match(error.message, pattern);
      return true;
    });
  }
});

Deno.test("in a sandbox an agent may write to what is its own, not to all of its user's home", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const writable = (name: string, env: Record<string, string> = {}) => {
      const preset = PRESETS[name];
      assert.ok(preset);
      return writableHome(preset, { HOME: folder, ...env });
    };
    assert.deepEqual(writable("qwen"), [`${folder}/.qwen`]);
    assert.deepEqual(writable("codex"), [`${folder}/.codex`]);
    assert.deepEqual(writable("codex", { CODEX_HOME: `${folder}/codex` }), [`${folder}/codex`]);
    // Of one that nobody knows, any of it may be its own.
    assert.deepEqual(writableHome(acpPreset(["my-agent"]), { HOME: folder }), [folder]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
