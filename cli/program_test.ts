import assert from "node:assert/strict";
import { VERSION } from "@ourocodus/protocol";
import { freePort, runProcess, startNats } from "../tests/support/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { cli, MemoryOutput } from "./testing/memory_console.ts";

const NO_SESSION = "--session is missing: give -s SESSION, or set OUROCODUS_SESSION";

const COMMANDS = [
  [],
  ["start"],
  ["stop"],
  ["status"],
  ["logs"],
  ["agent"],
  ["agent", "check"],
  ["agent", "start"],
  ["agent", "list"],
  ["agent", "stop"],
  ["agent", "restart"],
  ["agent", "logs"],
  ["send"],
  ["send", "work"],
  ["tail"],
  ["tail", "results"],
  ["tail", "events"],
  ["result"],
  ["trace"],
  ["work"],
  ["work", "list"],
  ["work", "wait"],
  ["work", "diff"],
  ["work", "apply"],
  ["work", "extend"],
  ["work", "cancel"],
  ["work", "retry"],
  ["questions"],
  ["questions", "list"],
  ["questions", "answer"],
  ["questions", "rules"],
  ["questions", "rules", "list"],
  ["questions", "rules", "remove"],
  ["worktree"],
  ["worktree", "list"],
  ["worktree", "prune"],
  ["dead"],
  ["dead", "list"],
  ["dead", "retry"],
  ["token"],
  ["token", "create"],
  ["completion"],
];

const GROUPS = [
  ...["agent", "send", "tail", "work", "questions", "questions rules"],
  ...["worktree", "dead", "token"],
];

Deno.test("every command has help; those that do something have examples", async () => {
  for (const words of COMMANDS) {
    const { code, stdout } = await cli([...words, "--help"]);
    assert.equal(code, EXIT.ok, words.join(" "));
    assert.match(stdout, /^Usage: ourocodus/);
    if (words.length > 0) assert.equal((await cli(["help", ...words])).stdout, stdout);
    if (!GROUPS.includes(words.join(" "))) {
      assert.match(stdout, /Examples:\n {2}\$ /);
    }
  }
});

Deno.test("the list of commands is that of the program", async () => {
  const words = async (group: readonly string[]) => {
    const { stdout } = await cli([...group, "--help"]);
    const [, list = ""] = stdout.split("\nCommands:\n");
    return [...list.split("\n\n")[0]?.matchAll(/^ {2}([a-z]+)/gm) ?? []]
      .map(([, word = ""]) => word).filter((word) => word !== "help");
  };
  const all: string[][] = [[]];
  // It grows on the way, by the commands of each.
  for (const group of all) all.push(...(await words(group)).map((word) => [...group, word]));
  assert.deepEqual(
    all.map((words) => words.join(" ")).sort(),
    COMMANDS.map((words) => words.join(" ")).sort(),
  );
});

Deno.test("help of what is no command is refused like the command itself", async () => {
  for (
    const [words, error] of [
      [["help", "nosuch"], "error: unknown command 'nosuch'"],
      [["help", "send", "wrk"], "error: unknown command 'wrk' (Did you mean work?)"],
    ] as const
  ) {
    const { code, stderr } = await cli(words);
    assert.equal(code, EXIT.usage);
    assert.ok(stderr.startsWith(error), stderr);
  }
});

Deno.test("help fits into 80 columns, but for examples", async () => {
  for (const words of COMMANDS) {
    const { stdout } = await cli([...words, "--help"]);
    const long = stdout.split("\n").filter((line) => line.length > 80 && !line.startsWith("  $ "));
    assert.deepEqual(long, [], words.join(" "));
  }
});

Deno.test("help names all exit codes", async () => {
  const { stdout } = await cli(["send", "work", "--help"]);
  for (const code of Object.values(EXIT)) assert.match(stdout, new RegExp(`\\b${code}\\b`));
});

Deno.test("--version is the project's", async () => {
  assert.deepEqual(await cli(["--version"]), { code: 0, stdout: `${VERSION}\n`, stderr: "" });
});

Deno.test("help has colours where they are wanted only", async () => {
  assert(!(await cli(["--help"])).stdout.includes("\x1b"));
  const out = new MemoryOutput({ hasColor: true });
  await cli(["--help"], { out });
  assert(out.text.includes("\x1b[1mUsage:"));
});

Deno.test("what is wrong with a command line is one line that names it, exit code 2", async () => {
  const wrong: [string[], string][] = [
    [["sned"], "error: unknown command 'sned' (Did you mean send?)"],
    [["send", "wrk"], "error: unknown command 'wrk' (Did you mean work?)"],
    [
      ["tail", "results", "--sesion", "x"],
      "error: unknown option '--sesion' (Did you mean --session?)",
    ],
    [["tail", "results"], `error: ${NO_SESSION}`],
    [["send", "work", "--message", "x"], `error: ${NO_SESSION}`],
    [["tail", "results", "--session"], "error: option '-s, --session <session>' argument missing"],
    [
      ["tail", "results", "--session", "a.b"],
      'error: --session is "a.b", allowed are A-Z a-z 0-9 _ -',
    ],
    [
      ["tail", "results", "--session", "s", "--role", ">"],
      'error: --role is ">", allowed are A-Z a-z 0-9 _ -',
    ],
    [
      ["tail", "events", "-n", "many"],
      'error: --last is "many", it must be a whole number from 0 to 1000000000',
    ],
    [
      ["tail", "events", "--since", "yesterday"],
      'error: --since is "yesterday", it must be a duration like 30s, 10m or 7d',
    ],
    [
      ["send", "work", "--session", "s", "--role", "r"],
      "error: nothing to send: give one of --message, --message-file, --payload, --file and -",
    ],
    [
      ["send", "work", "--session", "s", "--role", "r", "--message", "x", "-"],
      "error: --message and - together: give one of --message, --message-file, --payload, --file and -",
    ],
    [
      ["send", "work", "--session", "s", "--role", "r", "--payload", "[]"],
      "error: --payload must be a JSON object, got an array",
    ],
    [
      ["send", "work", "--session", "s", "--role", "r", "--message", "x", "--id", "a\nb"],
      "error: --id: id has a character that is not printable: U+000A",
    ],
    [
      ["send", "work", "--session", "s", "--role", "r", "--message", "x", "--timeout", "9s"],
      "error: --timeout is how long --wait waits: add --wait, or leave --timeout out",
    ],
    [
      ["dead", "list", "--session", "s", "--limit", "0"],
      'error: --limit is "0", it must be a whole number from 1 to 1000000000',
    ],
    [["work", "cancel"], "error: missing required argument 'id'"],
    [
      ["work", "cancel", "0", "--sequence"],
      'error: the sequence is "0", it must be a whole number from 1',
    ],
    [
      ["dead", "retry", "--session", "s", "0"],
      'error: the sequence is "0", it must be a whole number from 1',
    ],
    [
      ["work", "retry"],
      "error: give either ids, or some of --failed, --dead and --cancelled",
    ],
    [
      ["work", "retry", "a", "--failed", "--since", "1h"],
      "error: give either ids, or some of --failed, --dead and --cancelled",
    ],
    [["work", "retry", "--failed"], "error: --failed needs --since, like --since 1h"],
    [
      ["work", "retry", "a", "--since", "1h"],
      "error: --since is for --failed, --dead and --cancelled, not for ids",
    ],
    [
      ["work", "retry", "--dead", "--since", "1h", "-n", "1001"],
      'error: --limit is "1001", it must be a whole number from 1 to 1000',
    ],
    [
      ["work", "retry", "--dead", "--since", "1h", "--again"],
      "error: --again is for ids: name the work",
    ],
    [
      ["work", "retry", "a", "--dry-run", "--wait"],
      "error: --wait has nothing to wait for with --dry-run",
    ],
    [["dead", "retry", "-s", "s"], "error: give either dead letters or --all"],
    [["dead", "retry", "-s", "s", "1", "--all"], "error: give either dead letters or --all"],
    [
      ["work", "cancel", "a", "--reason", "x".repeat(501)],
      "error: --reason has 501 characters, at most 500 are allowed",
    ],
    [
      ["completion", "csh"],
      "error: command-argument value 'csh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.",
    ],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await cli(args);
    assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: "", stderr: `${message}\n` });
  }
});

Deno.test("no NATS is one line that names the URL and what starts one, exit code 1", async () => {
  const natsUrl = `nats://127.0.0.1:${freePort()}`;
  const { code, stderr } = await cli(["tail", "events"], { natsUrl });
  assert.equal(code, EXIT.failed);
  assert.equal(
    stderr,
    `error: Cannot connect to NATS at ${natsUrl}: connection refused. ` +
      '"ourocodus start" starts one\n',
  );
});

Deno.test("--nats goes before NATS_URL", async () => {
  await using nats = await startNats();
  const { code, stderr } = await cli(["tail", "events", "--no-follow", "--nats", nats.url], {
    natsUrl: "nats://127.0.0.1:1",
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("a setting in the environment that cannot be used is named, exit code 2", async () => {
  const { code, stderr } = await cli(["tail", "events"], { env: { NATS_CONNECT_TIMEOUT: "soon" } });
  assert.equal(code, EXIT.usage);
  assert.match(stderr, /^error: NATS_CONNECT_TIMEOUT is "soon"/);
});

Deno.test("--help loads nothing that knows NATS", async () => {
  const main = new URL("./main.ts", import.meta.url).href;
  const info = await runProcess(Deno.execPath(), ["info", "--json", main]);
  const { modules } = JSON.parse(info.stdout) as {
    modules: {
      specifier: string;
      dependencies?: { specifier: string; isDynamic?: boolean; code?: { specifier: string } }[];
    }[];
  };
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set<string>();
  const visit = (specifier: string) => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    for (const { isDynamic, code } of byName.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code !== undefined) visit(code.specifier);
    }
  };
  visit(main);
  assert(loaded.size > 5);
  assert.deepEqual([...loaded].filter((name) => /nats|\/bus\//.test(name)), []);
});
