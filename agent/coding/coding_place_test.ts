/** Where a coding agent's work is done, when something happens to it before, between and after. */
import assert from "node:assert/strict";
import { until } from "../../tests/support/until.ts";
import { RetryableError } from "../errors.ts";
import { findSandbox } from "../processes/mod.ts";
import { FakeCodingScene } from "../testing/fake_coding_scene.ts";

Deno.test("a worktree that was begun and not set up is used by the next attempt, from its base", async () => {
  await using scene = await FakeCodingScene.make();
  const begun = `${scene.root}/begun`;
  const once = `test -e ${begun} || { echo half > half.txt; touch ${begun}; exec sleep 1000; }`;
  const first = scene.work(scene.agent({ setup: [once] }), "say no");
  await until(() => Deno.stat(begun).then(() => true, () => false), { message: "setting up" });
  const work = scene.work(scene.agent({ setup: [once] }), 'write b.txt "x"; say "done"', {
    attempt: 2,
  });
  const { result } = await work.outcome;
  assert.equal(result.branch, "ourocodus/shop/coder/1");
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["b.txt"]);
  assert.ok((await first.outcome).error instanceof RetryableError);
  assert.equal(await scene.git("rev-parse", result.branch), result.commit);
  assert.equal((await scene.worktrees()).length, 1);
});

Deno.test("work that another coding agent goes on with begins anew", async () => {
  await using scene = await FakeCodingScene.make();
  await scene.work(scene.agent(), 'write half.txt "x"; die SIGKILL; say "never"').outcome;
  const agent = await scene.agentNamed("claude", "claude-agent-acp");
  const work = scene.work(agent, 'write whole.txt "y"; say "anew"', { attempt: 2 });
  const { result } = await work.outcome;
  assert.deepEqual([result.text, result.resumed, result.agent.name], ["anew", false, "claude"]);
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["whole.txt"]);
});

Deno.test("where no worktree can be made, nothing is left, and a later attempt makes one", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  await Deno.writeTextFile(scene.repo(".git/worktrees"), "in the way");
  const { error } = await scene.work(agent, "say x").outcome;
  assert.deepEqual([error.name, error.reason], ["RetryableError", "not_accepted"]);
  assert.deepEqual(await scene.files("records"), []);
  assert.equal(await scene.git("branch", "--list", "ourocodus/*"), "");
  await until(async () => (await scene.files("trees")).length === 1, { message: "one that waits" });
  await Deno.remove(scene.repo(".git/worktrees"));
  const { result } = await scene.work(agent, 'say "done"', { attempt: 2 }).outcome;
  assert.deepEqual([result.text, result.branch], ["done", "ourocodus/shop/coder/1"]);
});

Deno.test("a worktree that the agent takes away fails the work at once, and what was kept is named", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  const kept = "until git show-ref -q refs/ourocodus/1/1/1; do sleep 0.1; done";
  const script = `write b.txt "x"; run "${kept}; cd .. && rm -rf $OLDPWD"; say "tidy"`;
  const { error } = await scene.work(agent, script).outcome;
  assert.equal(error.code, "worktree_missing");
  const { branch, text, commit } = error.details;
  assert.deepEqual([branch, text, commit], ["ourocodus/shop/coder/1", "tidy", undefined]);
  assert.equal((await scene.record()).state, "failed");
  assert.equal(await scene.git("show", "refs/ourocodus/1/1/1:b.txt"), "x");
});

Deno.test("work that was cancelled is recorded so, also when its worktree is gone", async () => {
  await using scene = await FakeCodingScene.make();
  const work = scene.work(scene.agent(), 'run "cd .. && rm -rf $OLDPWD"; hang');
  await until(async () => (await scene.files("records")).length > 0, { message: "a record" });
  const { folder } = await scene.record();
  await until(() => Deno.stat(folder).then(() => false, () => true), { message: "it to be gone" });
  work.abort("cancelled");
  await work.outcome;
  assert.equal((await scene.record()).state, "cancelled");
});

Deno.test("a folder that somebody has removed while an agent waited in it is made anew", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  await agent.start();
  await Deno.remove(`${scene.root}/worktrees/trees`, { recursive: true });
  const { result } = await scene.work(agent, 'run "pwd > b.txt"; say "done"').outcome;
  assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["b.txt"]);
});

Deno.test("a disk that takes nothing is no error of the work", async () => {
  await using scene = await FakeCodingScene.make();
  const agent = scene.agent();
  await agent.start();
  await Deno.remove(`${scene.root}/worktrees/trees`, { recursive: true });
  // Like a full disk: nothing can be made there.
  await Deno.symlink("/proc/self/fd", `${scene.root}/worktrees/trees`);
  const { error } = await scene.work(agent, "say x").outcome;
  assert.deepEqual([error.name, error.reason], ["RetryableError", "not_accepted"]);
  assert.match(agent.suspension.reason ?? "", /os error/);
});

Deno.test("work that is done is answered, also where nothing can be written down any more", async () => {
  await using scene = await FakeCodingScene.make();
  const answers = `${scene.root}/worktrees/answers`;
  const script = `write b.txt "x"; run "mkdir -p ${answers}/shop.coder.1.1700000000000000000.json"`;
  const { result, error } = await scene.work(scene.agent(), `${script}; say "done"`).outcome;
  assert.deepEqual([error, result?.text], [undefined, "done"]);
});

Deno.test("the worktree goes and the answer too when what was answered again is stored", async () => {
  await using scene = await FakeCodingScene.make();
  await scene.work(scene.agent(), 'write b.txt "x"; say "once"').outcome;
  const again = scene.work(scene.agent(), "the same", { attempt: 2 });
  assert.equal((await again.outcome).result.text, "once");
  again.stored();
  await until(async () => (await scene.worktrees()).length === 0, { message: "no worktree" });
  assert.deepEqual(await scene.files("answers"), []);
});

Deno.test("folders of agents that were killed go when the next one starts, and no others", async () => {
  await using scene = await FakeCodingScene.make();
  await scene.agent().start();
  const [waiting = ""] = await scene.files("trees");
  const trees = `${scene.root}/worktrees/trees`;
  await Deno.mkdir(`${trees}/killed`);
  await Deno.mkdir(`${trees}/used`);
  await Deno.writeTextFile(`${trees}/used/a.txt`, "x");
  await scene.agent().start();
  const there = await scene.files("trees");
  assert.equal(there.length, 3);
  assert.ok(there.includes(waiting) && there.includes("used"));
});

Deno.test("the folder of an agent without a repository stays, also when it is empty", async () => {
  await using scene = await FakeCodingScene.make();
  const cwd = `${scene.root}/empty`;
  await Deno.mkdir(cwd);
  {
    await using agent = scene.agent({ repo: undefined, worktrees: undefined, cwd });
    await agent.start();
  }
  assert.ok((await Deno.stat(cwd)).isDirectory);
});

const box = await findSandbox(Deno.env.get("PATH"));

Deno.test({
  name: "a home of the agent's own is there, and can be written to in a sandbox",
  ignore: box.kind === "missing",
  async fn() {
    await using scene = await FakeCodingScene.make();
    const { DENO_DIR = `${Deno.env.get("HOME")}/.cache/deno` } = Deno.env.toObject();
    const env = [["DENO_DIR", DENO_DIR] as const];
    const agent = scene.agent({ sandbox: "bwrap", isolatedHome: true, agentId: "me", env });
    const script = 'run "echo mine > $HOME/file && cp $HOME/file seen.txt"; say "done"';
    const { result, error } = await scene.work(agent, script).outcome;
    assert.equal(error, undefined);
    assert.deepEqual(result.files.map(({ path }: { path: string }) => path), ["seen.txt"]);
    const home = `${scene.root}/worktrees/homes/me`;
    assert.equal(await Deno.readTextFile(`${home}/file`), "mine\n");
  },
});
