import assert from "node:assert/strict";
import type {
  PermissionOption,
  PermissionOptionKind,
  RequestPermissionRequest,
  ToolCallUpdate,
} from "@agentclientprotocol/sdk/unstable";
import { FakeClock } from "../../testing/fake_clock.ts";
import { PermissionPolicy } from "./permission_policy.ts";
import { permissionQuestion } from "./permission_question.ts";
import { parsePermissionRules } from "./permission_rules.ts";
import { answerFor, type Decide, decideBy, Permissions } from "./permissions.ts";
import type { CodingProgress, PermissionDecision } from "./progress.ts";
import { TurnRecord } from "./turn_record.ts";

const ROOT = await Deno.realPath(await Deno.makeTempDir());
globalThis.addEventListener("unload", () => Deno.removeSync(ROOT, { recursive: true }));

function setup(options: { decide?: Decide; commandIsTitle?: boolean } = {}) {
  const told: CodingProgress[] = [];
  const decided: PermissionDecision[] = [];
  const record = new TurnRecord((one) => told.push(one), { root: ROOT, clock: new FakeClock() });
  const rules = parsePermissionRules('{"allow":[{"command":"ls -l"}]}', "f");
  const permissions = new Permissions({
    decide: decideBy(new PermissionPolicy(rules), ROOT),
    record,
    root: ROOT,
    decided: (decision) => decided.push(decision),
    ...options,
  });
  const ask = async (
    toolCall: ToolCallUpdate,
    kinds = ["allow_always", "allow_once", "reject_once"],
  ) => (await permissions.answer(request(toolCall, kinds), new AbortController().signal)).outcome;
  return { told, decided, record, permissions, ask };
}

function request(toolCall: ToolCallUpdate, kinds: readonly string[]): RequestPermissionRequest {
  return { sessionId: "s", toolCall, options: options(...kinds) };
}

function options(...kinds: readonly string[]): PermissionOption[] {
  return kinds.map((kind) => ({ optionId: kind, name: kind, kind: kind as PermissionOptionKind }));
}

function selected(outcome: { outcome: string; optionId?: string }): string | undefined {
  return outcome.outcome === "selected" ? outcome.optionId : outcome.outcome;
}

Deno.test("claude's request says no kind: that is in the tool call before", async () => {
  const { record, ask, decided } = setup();
  const toolCallId = "call_1";
  const path = `${ROOT}/hello.txt`;
  record.update({
    sessionUpdate: "tool_call",
    toolCallId,
    title: "Preparing file…",
    kind: "edit",
    status: "pending",
    locations: [{ path }],
  });
  const rawInput = { file_path: path };
  assert.equal(
    selected(await ask({ toolCallId, title: "Write hello.txt", rawInput })),
    "allow_once",
  );
  assert.deepEqual(decided, [{
    tool: "call_1",
    kind: "edit",
    title: "Write hello.txt",
    paths: ["hello.txt"],
    answer: "allow",
    rule: "edits",
    why: "edit inside the worktree",
  }]);
  const command = await ask({
    toolCallId: "call_2",
    rawInput: { command: "ls -l && echo hi > f" },
  });
  assert.equal(selected(command), "reject_once");
  assert.equal(decided[1]?.kind, "execute");
  assert.equal(decided[1]?.why, "no rule can be sure what the command does: a redirection");
});

Deno.test("codex' command is one, though the call before said that it reads", async () => {
  const { record, ask, decided } = setup();
  const toolCallId = "call_1";
  const title = "List files in 'root'";
  record.update({ sessionUpdate: "tool_call", toolCallId, kind: "read", title });
  const ls = { toolCallId, title, rawInput: { command: "ls /root", cwd: ROOT } };
  assert.equal(selected(await ask(ls)), "reject_once");
  assert.equal(decided[0]?.kind, "execute");
  assert.equal(decided[0]?.command, "ls /root");
  const allowed = {
    toolCallId: "2",
    rawInput: { command: ["bash", "-lc", "ls -l src"], cwd: ROOT },
  };
  assert.equal(selected(await ask(allowed)), "allow_once");
  const elsewhere = { toolCallId: "3", rawInput: { command: "ls -l", cwd: "/root" } };
  assert.equal(selected(await ask(elsewhere)), "reject_once");
});

Deno.test("gemini's command is its request's title, where the preset says so", async () => {
  const call = { toolCallId: "c", kind: "execute", title: "ls -l" } as const;
  const { ask } = setup({ commandIsTitle: true });
  assert.equal(selected(await ask(call)), "allow_once");
  assert.equal(selected(await ask({ ...call, title: "ls -l && rm x" })), "reject_once");
  const other = setup();
  assert.equal(selected(await other.ask(call)), "reject_once");
  assert.equal(other.decided[0]?.command, undefined);
});

Deno.test("gemini's first word about an edit is the request: it is counted", async () => {
  const { record, ask } = setup();
  const path = `${ROOT}/hello.txt`;
  const edit: ToolCallUpdate = {
    toolCallId: "w",
    kind: "edit",
    status: "pending",
    title: "Writing to hello.txt",
    content: [{ type: "diff", path, oldText: "", newText: "hi" }],
    locations: [{ path }],
  };
  assert.equal(selected(await ask(edit)), "allow_once");
  assert.deepEqual(record.tools, { edit: 1 });
});

Deno.test("opencode's edit names its path in its own way", async () => {
  const { ask } = setup();
  const edit = (filepath: string) => ({
    toolCallId: "o",
    kind: "edit" as const,
    rawInput: { filepath },
  });
  assert.equal(selected(await ask(edit(`${ROOT}/hello.txt`))), "allow_once");
  assert.equal(selected(await ask(edit(`${ROOT}/../hello.txt`))), "reject_once");
});

Deno.test("what is unknown is taken for its most dangerous", () => {
  const kindOf = (call: object, known?: "read" | "edit") =>
    permissionQuestion(
      { toolCallId: "t", ...call },
      known && { id: "t", title: "", kind: known, status: "pending", paths: [] },
      false,
    ).kind;
  assert.equal(kindOf({}), "other");
  assert.equal(kindOf({ kind: "teleport" }), "other");
  assert.equal(kindOf({ kind: "read" }, "edit"), "edit");
  assert.equal(kindOf({ kind: "edit" }, "read"), "edit");
  assert.equal(kindOf({ kind: "read", rawInput: { command: "ls" } }), "execute");
  assert.equal(kindOf({ kind: "other", rawInput: { command: "ls" } }), "other");
  const content = [{ type: "diff", path: "a", newText: "" }];
  assert.equal(kindOf({ kind: "read", content }), "edit");
  assert.equal(kindOf({ content }), "edit");
  assert.equal(kindOf({ kind: 7, rawInput: 7, content: 7, locations: 7 }), "other");
});

Deno.test("a search without a path is in the working folder, unless nothing is told about it", () => {
  const paths = (call: object) =>
    permissionQuestion({ toolCallId: "t", kind: "search", ...call }, undefined, false).paths;
  assert.deepEqual(paths({ rawInput: { pattern: "x" } }), ["."]);
  assert.deepEqual(paths({ rawInput: { pattern: "/etc/**" } }), [".", "/etc/**"]);
  assert.deepEqual(paths({ rawInput: { pattern: "a/../../x", path: "src" } }), [
    "src",
    "a/../../x",
  ]);
  assert.deepEqual(paths({ title: "x" }), []);
});

Deno.test("an always option is never selected", () => {
  const allow = { answer: "allow", rule: "edits", why: "w" } as const;
  const deny = { answer: "deny", rule: "edits", why: "w" } as const;
  const outcome = (verdict: typeof allow | typeof deny, ...kinds: string[]) =>
    selected(answerFor(verdict, options(...kinds)).outcome);
  assert.equal(outcome(allow, "allow_always", "allow_once", "reject_once"), "allow_once");
  assert.equal(outcome(allow, "allow_always", "reject_once"), "reject_once");
  assert.equal(outcome(allow, "allow_always", "reject_always"), "cancelled");
  assert.equal(outcome(allow), "cancelled");
  assert.equal(outcome(deny, "allow_once", "reject_always", "reject_once"), "reject_once");
  assert.equal(outcome(deny, "allow_once", "allow_always", "reject_always"), "cancelled");
  const answer = answerFor(allow, options("allow_always"));
  assert.equal(answer.verdict.answer, "deny");
  assert.match(answer.notice ?? "", /no way to allow it once, only allow_always$/);
});

Deno.test("an agent is told why, in the answer's _meta", async () => {
  const { ask } = setup();
  assert.deepEqual(await ask({ toolCallId: "x", kind: "fetch" }), {
    outcome: "selected",
    optionId: "reject_once",
    _meta: {
      ourocodus: { rule: "edits", why: "tools of kind fetch need a rule that allows them" },
    },
  });
});

Deno.test("a turn that is cancelled answers cancelled, also while somebody decides", async () => {
  const abort = new AbortController();
  const { permissions, decided } = setup({
    decide: () => {
      abort.abort();
      return Promise.resolve({ answer: "allow", rule: "person", why: "said so" });
    },
  });
  const asked = request({ toolCallId: "x" }, ["allow_once"]);
  const cancelled = { outcome: { outcome: "cancelled" } };
  assert.deepEqual(await permissions.answer(asked, abort.signal), cancelled);
  assert.deepEqual(await permissions.answer(asked, abort.signal), cancelled);
  assert.deepEqual(decided, []);
});

Deno.test("a decider that fails allows nothing", async () => {
  const { ask, decided } = setup({ decide: () => Promise.reject(new Error("nobody is there")) });
  assert.equal(selected(await ask({ toolCallId: "x", kind: "read" })), "reject_once");
  assert.equal(decided[0]?.why, "nobody could decide: nobody is there");
});

Deno.test("decisions are kept up to a bound, those of the present prompt apart", async () => {
  const { ask, permissions } = setup();
  for (let at = 0; at < 250; at++) {
    await ask({
      toolCallId: `x${at}`,
      title: "x".repeat(5_000),
      rawInput: { command: "y".repeat(9_000) },
    });
  }
  assert.equal(permissions.decisions.length, 200);
  assert.equal(permissions.leftOut, 50);
  assert.equal(permissions.denied.length, 200);
  assert.equal(permissions.decisions[0]?.title.length, 500);
  assert.equal(permissions.decisions[0]?.command?.length, 1_000);
  permissions.promptSent();
  assert.deepEqual(permissions.denied, []);
});
