/** What a coding agent makes of work, with the fake agent in the place of a real one. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { isRunning } from "../../tests/support/is_running.ts";
import { until } from "../../tests/support/until.ts";
import { RetryableError, WorkAbortedError, WorkError } from "../errors.ts";
import { fakeAcpCommand } from "../testing/fake_acp_command.ts";
import { FakeCodingScene } from "../testing/fake_coding_scene.ts";

Deno.test("work becomes a branch with a commit, and its worktree goes when the result is stored", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  await agent.start();
  const script =
    'edit a.txt one two; write b/c.txt "new"; run "true"; say "all done"; tokens 10 20';
  const work = scene.work(agent, script, { payload: { title: "Mend the tax line" } });
  const { result, error } = await work.outcome;
  assert.equal(error, undefined);
  const { text, stop_reason, branch, base, commit, files, tools, usage, attempt, resumed } = result;
  assert.deepEqual([text, stop_reason, attempt, resumed], ["all done", "end_turn", 1, false]);
  assert.equal(branch, "ourocodus/shop/coder/1");
  assert.equal(base, await scene.git("rev-parse", "HEAD"));
  assert.equal(commit, await scene.git("rev-parse", branch));
  assert.deepEqual(files, [
    { path: "a.txt", status: "modified", added: 1, removed: 1 },
    { path: "b/c.txt", status: "added", added: 1, removed: 0 },
  ]);
  assert.match(result.patch, /^diff --git a\/a\.txt b\/a\.txt\n/);
  assert.deepEqual(tools, { edit: 2, execute: 1 });
  assert.deepEqual([usage.input_tokens, usage.output_tokens], [10, 20]);
  assert.equal(await scene.git("show", `${branch}:a.txt`), "two");
  const said = await scene.git("log", "-1", "--format=%an|%s|%(trailers:only)", branch);
  // By the command's name, as the double has no other.
  const [command = ""] = fakeAcpCommand();
  assert.ok(said.startsWith(`${basename(command)}|Mend the tax line|`), said);
  assert.match(said, /Ourocodus-Session: shop\nOurocodus-Role: coder\nOurocodus-Work: work-1\n/);
  assert.equal((await scene.worktrees()).length, 1);
  work.stored();
  await until(async () => (await scene.worktrees()).length === 0, {
    message: "the worktree is gone",
  });
  assert.equal(await scene.git("status", "--porcelain"), "");
  assert.equal(await scene.git("rev-parse", branch), commit);
});

Deno.test("while work is done, its snapshots can be looked at", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const work = scene.work(agent, 'write b.txt "new"; hang');
  const refs = () => scene.git("for-each-ref", "--format=%(refname)", "refs/ourocodus/1/1");
  await until(async () => await refs() !== "", { message: "a snapshot" });
  assert.equal(await scene.git("show", "refs/ourocodus/1/1/1:b.txt"), "new");
  work.abort("cancelled");
  const { error } = await work.outcome;
  assert.ok(error instanceof WorkAbortedError);
  assert.equal((await scene.worktrees()).length, 1, "cancelled work keeps its worktree");
});

Deno.test("a check that fails goes back to the same conversation, and one that passes ends it", async () => {
  await using scene = await FakeCodingScene.make();
  const check = { command: "grep fixed a.txt || { echo no such line; exit 4; }" };
  const agent = scene.agent({ check });
  const script = 'say "first"; end; edit a.txt one fixed; say "second"';
  const { result } = await scene.work(agent, script).outcome;
  assert.equal(result.text, "second");
  const { command, exit_code, turns, output } = result.check;
  assert.deepEqual([command, exit_code, turns, output], [check.command, 0, 1, undefined]);
});

Deno.test("a check that never passes is an error that keeps the branch", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ check: { command: "echo no; exit 4", turns: 2 } });
  const work = scene.work(agent, 'write b.txt "x"; say "one"; end; say "two"; end; say "three"');
  const { error } = await work.outcome;
  assert.ok(error instanceof WorkError);
  assert.equal(error.code, "check_failed");
  // deno-lint-ignore no-explicit-any
  const details = error.details as any;
  assert.deepEqual(
    [details.check.exit_code, details.check.turns, details.check.output],
    [4, 2, "no\n"],
  );
  assert.equal(await scene.git("show", `${details.branch}:b.txt`), "x");
  assert.match(details.patch, /b\.txt/);
  work.stored();
  assert.equal((await scene.worktrees()).length, 1, "failed work keeps its worktree");
});

Deno.test("an answer is the value that a schema asks for, if need be after one more turn", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const schema = { type: "object", properties: { sum: { type: "integer" } }, required: ["sum"] };
  const script = String.raw`say "it is two"; end; say "{\"sum\": 2}"`;
  const { result } = await scene.work(agent, script, { payload: { schema } }).outcome;
  assert.deepEqual(result.output, { sum: 2 });
  const never = scene.work(agent, 'say "no"; end; say "never"', {
    sequence: 2,
    payload: { schema },
  });
  const { error } = await never.outcome;
  assert.deepEqual([error.code, error.details.errors.length > 0], ["schema_mismatch", true]);
});

Deno.test("what a payload asks for that cannot be done fails before anything is made", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ limits: { maxTokens: 10 } });
  const cases: Array<[Record<string, unknown>, string]> = [
    [{ message: 7 }, "no_message"],
    [{ schema: { $ref: "http://elsewhere" } }, "invalid_schema"],
    [{ limits: { max_tokens: 11 } }, "invalid_limits"],
  ];
  for (const [payload, code] of cases) {
    const { error } = await scene.work(agent, "say x", { payload }).outcome;
    assert.ok(error instanceof WorkError);
    assert.equal(error.code, code);
  }
  assert.deepEqual(await scene.worktrees(), []);
});

Deno.test("an agent that dies is tried again, and goes on in its conversation and its worktree", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const first = await scene.work(agent, 'write b.txt "x"; die SIGKILL; say "after"').outcome;
  assert.ok(first.error instanceof RetryableError);
  assert.equal(first.error.reason, "agent_closed");
  const { result } = await scene.work(agent, "the same", { attempt: 2 }).outcome;
  assert.deepEqual([result.text, result.resumed, result.attempt], ["after", true, 2]);
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["b.txt"]);
});

Deno.test("where a conversation cannot be loaded, the files go back, and nothing is lost", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({}, { flags: ["--no-load"] });
  await scene.work(agent, 'write half.txt "x"; die SIGKILL').outcome;
  const again = scene.work(agent, 'write whole.txt "y"; say "anew"', { attempt: 2 });
  const { result } = await again.outcome;
  assert.deepEqual([result.text, result.resumed], ["anew", false]);
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["whole.txt"]);
  assert.equal(await scene.git("show", "refs/ourocodus/1/1/1:half.txt"), "x");
});

Deno.test("a worktree that is gone fails the work, and leaves the main checkout alone", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  await scene.work(agent, 'write b.txt "x"; die SIGKILL; write c.txt "y"').outcome;
  const [folder = ""] = await scene.worktrees();
  await Deno.remove(folder, { recursive: true });
  const { error } = await scene.work(agent, "the same", { attempt: 2 }).outcome;
  assert.ok(error instanceof WorkError);
  assert.deepEqual([error.code, error.details.branch], [
    "worktree_missing",
    "ourocodus/shop/coder/1",
  ]);
  assert.equal((await scene.record()).state, "failed");
  assert.equal(await scene.git("status", "--porcelain"), "");
});

Deno.test("what was answered and not confirmed is answered again, not done again", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const first = await scene.work(agent, 'run "date +%N > time.txt"; say "once"').outcome;
  const second = await scene.work(agent, "the same", { attempt: 2 }).outcome;
  assert.deepEqual(second.result, first.result);
});

Deno.test("a limit ends the work, with what there is so far", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ limits: { maxCost: 1 } });
  const costly = scene.work(agent, 'write b.txt "x"; usage 10 100 1.5; hang');
  const { error } = await costly.outcome;
  const { code, details } = error;
  assert.deepEqual([code, details.limit, details.value, details.max], [
    "limit_exceeded",
    "max_cost",
    1.5,
    1,
  ]);
  assert.equal(await scene.git("show", `${details.branch}:b.txt`), "x");
  const payload = { limits: { max_duration_ms: 1_500 } };
  const slow = await scene.work(agent, "hang", { sequence: 2, payload }).outcome;
  assert.deepEqual([slow.error.code, slow.error.details.limit], [
    "limit_exceeded",
    "max_duration_ms",
  ]);
});

Deno.test("a limit of a work item counts what its earlier attempts have used", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ limits: { maxTurns: 2 } });
  const script = "tool read a; tool read b; die SIGKILL; tool read c; hang";
  const first = await scene.work(agent, script).outcome;
  assert.equal(first.error.reason, "agent_closed");
  const { error } = await scene.work(agent, script, { attempt: 2 }).outcome;
  assert.deepEqual([error.code, error.details.limit], ["limit_exceeded", "max_turns"]);
});

Deno.test("a failure is no result: each leads where the table of outcomes says", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const cases: Array<[string, string]> = [
    ["failure limit error limited retry", "retry limited"],
    ["failure service error overloaded retry", "retry service"],
    ["failure limit error turns new_session", "error limit_exceeded"],
    ["stop refusal", "error refused"],
    ["stop max_tokens", "error max_tokens"],
    ["stop max_turn_requests", "error max_turn_requests"],
    ["close", "retry agent_closed"],
    ["error -32603 broken", "error agent_failed"],
  ];
  for (const [index, [script, expected]] of cases.entries()) {
    const { error } = await scene.work(agent, script, { sequence: index + 1 }).outcome;
    const got = error instanceof RetryableError ? `retry ${error.reason}` : `error ${error?.code}`;
    assert.equal(got, expected, script);
  }
  assert.equal(agent.suspension.reason, undefined);
  const { error } = await scene.work(agent, "error -32000 login", { sequence: 99 }).outcome;
  assert.equal(error.code, "agent_auth");
  assert.match(agent.suspension.reason ?? "", /no access|not logged in/);
});

Deno.test("a denied permission is in the result, and one that ends the turn is an error", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ permissions: "edits" });
  const goesOn = 'ask; run "touch denied.txt"; ask; write b.txt "x"; say "went on"';
  const { result } = await scene.work(agent, goesOn).outcome;
  assert.equal(result.text, "went on");
  assert.deepEqual(
    result.permissions.map(({ kind, answer }: Record<string, string>) => `${kind} ${answer}`),
    ["execute deny", "edit allow"],
  );
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["b.txt"]);
  const ends = await scene.work(agent, 'rejected cancelled; ask; run "true"', { sequence: 2 })
    .outcome;
  assert.equal(ends.error.code, "permission_denied");
});

Deno.test("people are asked about what no rule allows, and what they say counts", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ permissions: "edits", askMs: 60_000 });
  const answers = ["allow", "deny"];
  const asked: string[] = [];
  const script =
    'ask; run "touch yes.txt"; ask; run "touch no.txt"; ask; write b.txt "x"; say "ok"';
  const { result } = await scene.work(agent, script, {
    ask: ({ question }) => {
      asked.push(question);
      return Promise.resolve({ answer: answers.shift(), by: "ada" });
    },
  }).outcome;
  assert.deepEqual(asked.map((question) => /touch \w+/.exec(question)?.[0]), [
    "touch yes",
    "touch no",
  ]);
  assert.deepEqual(
    result.permissions.map(({ answer, rule, why }: Record<string, string>) => [answer, rule, why]),
    [
      ["allow", "asked", "ada allows it"],
      ["deny", "asked", "ada denies it"],
      ["allow", "edits", "edit inside the worktree"],
    ],
  );
  const files = result.files.map(({ path }: { path: string }) => path);
  assert.deepEqual(files, ["b.txt", "yes.txt"]);
});

Deno.test("nothing that an attempt started is left when it is answered, in whatever session", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const pidFile = scene.repo(".git/orphan");
  const orphan = `sh -c 'echo $$ > ${pidFile}; exec sleep 1000'`;
  const { result } = await scene.work(
    agent,
    `orphan "${orphan}"; run "until [ -s ${pidFile} ]; do sleep 0.1; done"; say "done"`,
  )
    .outcome;
  assert.equal(result.text, "done");
  const pid = Number(await Deno.readTextFile(pidFile));
  assert.ok(pid > 1);
  assert.equal(await isRunning(pid), false);
});

Deno.test("a worktree is set up, and gets copies that are not committed", async () => {
  await using scene = await FakeCodingScene.make({
    ".gitignore": ".env\nready\n",
    "a.txt": "one\n",
  });
  await Deno.writeTextFile(scene.repo(".env"), "KEY=1\n");
  const agent = scene.agent({ copy: [".env"], setup: ["cp .env ready"] });
  const { result } = await scene.work(agent, 'run "cp ready seen.txt"; say "done"').outcome;
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["seen.txt"]);
  assert.equal(await scene.git("show", `${result.branch}:seen.txt`), "KEY=1");
  const broken = scene.agent({ setup: ["echo no network; exit 7"] });
  const { error } = await scene.work(broken, "say x", { sequence: 2 }).outcome;
  assert.deepEqual([error.reason, /exit code 7: no network/.test(error.message)], [
    "not_accepted",
    true,
  ]);
});

Deno.test("a patch that is too large for a result is in a file, and the result says so", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const script = `run "seq 1 20000 > big.txt"; say "${"long ".repeat(400)}"`;
  const { result } = await scene.work(agent, script, { maxPayloadBytes: 3_000 }).outcome;
  assert.ok(new TextEncoder().encode(JSON.stringify(result)).length <= 3_000);
  assert.equal(result.patch, undefined);
  const patch = await Deno.readTextFile(result.patch_file);
  assert.equal(patch.length, result.patch_bytes);
  assert.match(patch, /\+20000\n/);
});

Deno.test("an agent that never answers initialize is said to, with what it wrote on standard error", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({}, {
    flags: ["--fail", "initialize=-32603", "--stderr", "no licence"],
  });
  await assert.rejects(agent.start(), /licence|initialize/);
});

Deno.test("an agent without a repository works in its folder as it is", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent({ repo: undefined, worktrees: undefined, cwd: scene.repo() });
  const { result } = await scene.work(agent, 'write b.txt "x"; say "done"').outcome;
  assert.deepEqual([result.text, result.branch, result.patch], ["done", undefined, undefined]);
  assert.equal(await Deno.readTextFile(scene.repo("b.txt")), "x");
});
