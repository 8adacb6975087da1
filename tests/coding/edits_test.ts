/** Coding agents edit a repository: what comes of it, and how it gets into the checkout. */
import assert from "node:assert/strict";
import { until } from "../support/mod.ts";
import { type CodingAgentName, forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { CodingSystem, SLOW_MS } from "./support/coding_system.ts";

const TOKENS = "tokens 1000 10 400";
const EDITS = [
  `${TOKENS}; write notes.txt "one\\n"`,
  `${TOKENS}; read README.md`,
  `${TOKENS}; edit README.md "# Shop" "# The shop"`,
  `${TOKENS}; run "wc -l < notes.txt | tr -d ' ' > count.txt"`,
  `${TOKENS}; say "done {n}"`,
];
const SCRIPT = `Please do this.\nSCRIPT: ${EDITS.join("; ")}`;

/** What each says of five requests; Claude's also make a title, which costs, but is not counted. */
const USAGE: Readonly<Record<CodingAgentName, object>> = {
  claude: { input_tokens: 5_000, output_tokens: 50, cached_tokens: 2_000 },
  codex: { input_tokens: 5_000, output_tokens: 50, cached_tokens: 2_000 },
  gemini: { input_tokens: 5_000, output_tokens: 50 },
  // It tells of its last request only.
  opencode: {},
};
const TELL_COST: readonly CodingAgentName[] = ["claude", "opencode"];

forEachCodingAgent(
  "edits a repository through send work --wait, and work apply brings it in",
  async (agent) => {
    await using system = await CodingSystem.start({
      files: { "README.md": "# Shop\n", "other.txt": "other\n" },
    });
    const { repository } = system;
    const base = await repository.head();
    await system.startAgent(agent);
    const place = ["--session", system.session, "--role", system.role];
    const said = await system.ok(
      ...["send", "work", ...place, "--id", "first", "--message", SCRIPT],
      ...["--wait", "--timeout", `${SLOW_MS / 1_000}s`],
    );
    assert.equal(said, "done 4\n");

    const { type, payload, sequence } = await system.outcome(1);
    assert.equal(type, "result");
    assert.equal(sequence, 1);
    assert.equal(payload.text, "done 4");
    assert.equal(payload.stop_reason, "end_turn");
    assert.equal(payload.agent.name, agent.name);
    assert.match(payload.agent.version, /^\d+\./);
    assert.equal(payload.branch, "ourocodus/s/r/1");
    assert.equal(payload.base, base);
    assert.equal(payload.attempt, 1);
    assert.equal(payload.resumed, false);
    assert.ok(payload.duration_ms > 0);
    assert.ok(payload.tools.execute >= 1, JSON.stringify(payload.tools));

    // The commit has what the agent did, and no more.
    assert.equal((await repository.git("rev-parse", payload.branch)).trim(), payload.commit);
    assert.equal((await repository.git("rev-parse", `${payload.commit}^`)).trim(), base);
    assert.equal(await repository.show(payload.commit, "README.md"), "# The shop\n");
    assert.equal(await repository.show(payload.commit, "notes.txt"), "one\n");
    assert.equal(await repository.show(payload.commit, "count.txt"), "1\n");
    assert.deepEqual(payload.files.map(filesEntry), [
      ["README.md", "modified", 1, 1],
      ["count.txt", "added", 1, 0],
      ["notes.txt", "added", 1, 0],
    ]);
    assert.match(payload.patch, /^-# Shop\n\+# The shop$/m);
    assert.match(
      await repository.git("log", "-1", "--format=%B", payload.commit),
      /^Please do this/,
    );

    // What the model's double said that it cost.
    const { cost, ...tokens } = payload.usage ?? {};
    assert.deepEqual(tokens, USAGE[agent.name]);
    assert.equal(cost !== undefined && cost.amount > 0, TELL_COST.includes(agent.name));

    // The checkout is as it was, until the work is applied to it.
    assert.equal(await repository.status(), "");
    assert.equal(await repository.head(), base);
    assert.deepEqual(await repository.branches(), ["main", payload.branch]);
    assert.match(await system.ok("work", "diff", "first"), /^\+# The shop$/m);
    await system.ok("work", "apply", "first", "--repo", repository.folder);
    assert.equal(await repository.read("README.md"), "# The shop\n");
    assert.equal(await repository.read("notes.txt"), "one\n");
    assert.equal(await repository.read("other.txt"), "other\n");

    await until(async () => !(await repository.git("worktree", "list")).includes(payload.branch), {
      message: "the worktree to be removed, as its result is stored",
    });
  },
);

forEachCodingAgent(
  "has changed what another has changed since: work apply says what to do",
  async (agent) => {
    await using system = await CodingSystem.start();
    const { repository } = system;
    await system.startAgent(agent);
    const { sequence } = await system.work(SCRIPT);
    const head = await repository.commit({ "README.md": "# Another\n" });
    const apply = ["work", "apply", "--sequence", String(sequence), "--repo", repository.folder];
    const { code, stdout, stderr } = await system.cli(...apply);
    assert.equal(code, 1, stdout + stderr);
    assert.match(stderr, /README\.md/);
    assert.match(stderr, /git /, "it ends in commands to paste");
    assert.equal(await repository.head(), head);
    assert.equal(await repository.show("HEAD", "README.md"), "# Another\n");
  },
  { only: ["codex"] },
);

function filesEntry(file: { path: string; status: string; added: number; removed: number }) {
  return [file.path, file.status, file.added, file.removed];
}
