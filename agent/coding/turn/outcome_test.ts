import assert from "node:assert/strict";
import { outcomeOf, type PromptEnd, type PromptFault, type TurnFacts } from "./outcome.ts";
import type { PermissionDecision } from "./progress.ts";
import type { SessionFailure } from "../acp/session_failure.ts";

const DONE: PromptEnd = { stopReason: "end_turn" };
const ANSWERED: TurnFacts = { agent: "claude", isAnswered: true, text: "done", toolsOfPrompt: 2 };
const SILENT: TurnFacts = { agent: "opencode", isAnswered: false, toolsOfPrompt: 1 };
const DENIED: PermissionDecision = {
  tool: "t",
  kind: "execute",
  title: "rm -rf .",
  answer: "deny",
  rule: "edits",
  why: "commands need a rule that allows them",
};

/** An outcome in short: what a table of rows compares. */
function short(end: PromptEnd | PromptFault, facts: TurnFacts = ANSWERED): string {
  const outcome = outcomeOf(end, facts);
  switch (outcome.kind) {
    case "result":
    case "aborted":
      return outcome.kind;
    case "error":
      return `error ${outcome.code}${outcome.suspendsAgent ? " suspended" : ""}`;
    case "retry":
      return `retry ${outcome.reason} ${outcome.delayMs}`;
  }
}

function failed(category: string, title = "it failed", ...actions: string[]): PromptEnd {
  const failure: SessionFailure = { category, severity: "error", title, actions };
  return { ...DONE, failure };
}

function rpc(code: number, message: string, data?: unknown): PromptFault {
  return {
    code: "request_failed",
    message: `the agent answered: ${message}`,
    rpc: { code, message, data },
  };
}

Deno.test("a turn that ends with an answer is a result", () => {
  assert.equal(short(DONE), "result");
});

Deno.test("a turn that used tools and said nothing is a result", () => {
  assert.equal(short(DONE, SILENT), "result");
});

Deno.test("a turn that said nothing and did nothing is no result", () => {
  assert.equal(short(DONE, { agent: "x" }), "error empty_answer");
});

Deno.test("work that nobody wants has no outcome, however its turn ended", () => {
  const facts = { ...ANSWERED, isAborted: true };
  for (const end of [DONE, failed("access"), { code: "closed", message: "" }]) {
    assert.equal(short(end, facts), "aborted");
  }
});

Deno.test("a limit that is over is named", () => {
  const exceeded = {
    limit: "max_cost",
    value: 2.5,
    max: 2,
    message: "it cost 2.5 USD, limit is 2 USD",
  } as const;
  assert.deepEqual(outcomeOf({ stopReason: "cancelled" }, { ...SILENT, exceeded }), {
    kind: "error",
    code: "limit_exceeded",
    message: "The work was ended: it cost 2.5 USD, limit is 2 USD",
    details: { limit: "max_cost", value: 2.5, max: 2 },
  });
});

Deno.test("an end_turn with a failure is no result", () => {
  assert.equal(short(failed("unknown")), "error agent_failed");
  assert.equal(short(failed("request", "mock 400")), "error agent_failed");
});

Deno.test("a warning is no failure", () => {
  const failure = { category: "limit", severity: "warning", title: "Reconnecting", actions: [] };
  assert.equal(short({ ...DONE, failure }), "result");
});

Deno.test("a failure that an update told counts if the turn has no answer", () => {
  const failure = { category: "service", severity: "error", title: "503", actions: [] };
  assert.equal(short(DONE, { ...ANSWERED, failure }), "result");
  assert.equal(short(DONE, { ...SILENT, failure }), "retry service 10000");
});

Deno.test("a rate limit is a retry with the provider's delay, else a minute", () => {
  assert.equal(short(failed("limit", "429 Too Many Requests", "retry")), "retry limited 60000");
  assert.equal(short(failed("limit", "try again in 5s", "retry")), "retry limited 5000");
  assert.equal(short(failed("limit", "usage limit")), "retry limited 60000");
  assert.equal(short({ ...failed("limit"), meta: { retryAfterMs: 7_000 } }), "retry limited 7000");
  assert.equal(short(rpc(429, "slow down")), "retry limited 60000");
  assert.equal(short(rpc(-32603, "API Error: Request rejected (429)")), "retry limited 60000");
});

Deno.test("an agent's own limit of turns or cost is an error", () => {
  const end = failed("limit", "Reached the maximum of 1 turns", "new_session");
  assert.equal(short(end), "error limit_exceeded");
});

Deno.test("an agent without access is suspended", () => {
  assert.equal(short(failed("access")), "error agent_auth suspended");
  assert.equal(short(failed("unknown", "API Error: 401")), "error agent_auth suspended");
  assert.equal(short(rpc(-32000, "Authentication required")), "error agent_auth suspended");
  assert.equal(short(rpc(401, "mock 401")), "error agent_auth suspended");
  assert.equal(short(rpc(-32603, "unexpected status 401")), "error agent_auth suspended");
  const fault = { code: "auth_required", message: "Claude Code is not logged in" };
  assert.equal(short(fault), "error agent_auth suspended");
});

Deno.test("an error about access ends in what to do", () => {
  const outcome = outcomeOf(failed("access", "no key"), { ...ANSWERED, login: "claude /login" });
  assert.ok(outcome.kind === "error");
  assert.equal(outcome.message, "claude has no access to its model: no key; claude /login");
});

Deno.test("a provider out of order is a retry", () => {
  assert.equal(short(failed("service", "API Error: 529 mock")), "retry service 10000");
  assert.equal(short(failed("connection", "stream disconnected")), "retry service 10000");
  assert.equal(short(rpc(500, "terminated")), "retry service 10000");
  assert.equal(short(rpc(-32603, "fetch failed")), "retry service 10000");
});

Deno.test("a request that the provider refuses is an error, though adapters call it service", () => {
  assert.equal(short(failed("service", "API Error: 400 mock 400", "retry")), "error agent_failed");
  assert.equal(short(rpc(400, "mock 400")), "error agent_failed");
});

Deno.test("an error answer that nobody knows is an error with what the agent wrote", () => {
  const outcome = outcomeOf({ ...rpc(-32603, "Internal error"), stderr: "Trace: x" }, ANSWERED);
  assert.deepEqual(outcome, {
    kind: "error",
    code: "agent_failed",
    message: "claude failed: Internal error",
    details: { provider_message: "Internal error", stderr: "Trace: x" },
  });
});

Deno.test("a closed connection is a retry, never an error", () => {
  assert.equal(short({ code: "closed", message: "it ended" }), "retry agent_closed 1000");
  assert.equal(short({ code: "line_too_long", message: "x" }), "retry agent_closed 1000");
  assert.equal(short(rpc(-32603, "ACP connection closed")), "retry agent_closed 1000");
});

Deno.test("an agent that does not start or never answers is a retry", () => {
  const start = { code: "start_failed", message: "claude-agent-acp is not installed" };
  assert.equal(short(start), "retry not_accepted 10000");
  const hang = { code: "no_answer", message: "no answer to initialize in 30 s" };
  assert.equal(short(hang), "retry not_accepted 10000");
});

Deno.test("an agent without the mode that permissions need is suspended", () => {
  assert.equal(short({ code: "no_mode", message: "x" }), "error no_mode suspended");
});

Deno.test("refusal and the model's limits have codes of their own", () => {
  assert.equal(short({ stopReason: "refusal" }), "error refused");
  assert.equal(short({ stopReason: "max_tokens" }), "error max_tokens");
  assert.equal(short({ stopReason: "max_turn_requests" }), "error max_turn_requests");
});

Deno.test("codex ends a turn as cancelled after a denied permission", () => {
  const outcome = outcomeOf({ stopReason: "cancelled" }, { ...SILENT, denied: [DENIED] });
  assert.deepEqual(outcome, {
    kind: "error",
    code: "permission_denied",
    message:
      'opencode gave up when it was denied "rm -rf .": commands need a rule that allows them',
    details: { denied: [DENIED] },
  });
});

Deno.test("opencode ends a turn without a text after a denied permission", () => {
  assert.equal(short(DONE, { ...SILENT, denied: [DENIED] }), "error permission_denied");
});

Deno.test("an agent that went on after a denied permission has a result", () => {
  assert.equal(short(DONE, { ...ANSWERED, denied: [DENIED] }), "result");
});

Deno.test("a turn that the agent cancelled by itself is a retry", () => {
  assert.equal(short({ stopReason: "cancelled" }), "retry agent_cancelled 1000");
});

Deno.test("an unknown stop reason is an error that names it", () => {
  const outcome = outcomeOf({ stopReason: "bored" }, ANSWERED);
  assert.ok(outcome.kind === "error");
  assert.equal(outcome.message, 'claude stopped for an unknown reason: "bored"');
});

Deno.test("a provider's error that codex gives as its answer is no result", () => {
  const said = (text: string): TurnFacts => ({ agent: "codex", isAnswered: true, text });
  const warning = "Warning: Model metadata for `gpt` not found.\n\n";
  const end = { ...DONE, usage: null };
  const limit = "exceeded retry limit, last status: 429 Too Many Requests";
  assert.equal(short(end, said(limit)), "retry limited 60000");
  assert.equal(short(end, said(`${warning}${limit}\n\n`)), "retry limited 60000");
  const demand = "We’re currently experiencing high demand, which may cause temporary errors.";
  assert.equal(short(end, said(warning + demand)), "retry service 10000");
  assert.equal(
    short(end, said("unexpected status 401 Unauthorized")),
    "error agent_auth suspended",
  );
  const json = '{"error":{"message":"mock 400.","type":"server_error","code":"server_error"}}';
  assert.equal(short(end, said(warning + json)), "retry service 10000");
});

Deno.test("an answer about an error is a result", () => {
  const said = (text: string, more: object = {}): TurnFacts => ({ ...ANSWERED, text, ...more });
  const text = "exceeded retry limit, last status: 429 is what the log says";
  assert.equal(short({ ...DONE, usage: null }, said(text)), "result");
  const usage = { inputTokens: 1, outputTokens: 1 };
  assert.equal(short({ ...DONE, usage }, said(text, { toolsOfPrompt: 0 })), "result");
  const quote = `The log says: ${text}`;
  assert.equal(short(DONE, said(quote, { toolsOfPrompt: 0 })), "result");
});

Deno.test("an answer that was not finished is an error, though adapters call it the provider's failure", () => {
  const codex = "Incomplete response returned, reason: ";
  const filtered = `stream disconnected before completion: ${codex}content_filter`;
  assert.equal(short(failed("service", filtered, "retry")), "error refused");
  assert.equal(short(failed("service", `${codex}max_output_tokens`, "retry")), "error max_tokens");
  const claude = "API Error: Claude's response exceeded the 128000 output token maximum. To …";
  assert.equal(short(failed("limit", claude, "new_session")), "error max_tokens");
});

Deno.test("a key that OpenAI calls incorrect is no login", () => {
  const message = "Internal error: Incorrect API key provided: test-key.";
  assert.equal(short(rpc(-32603, message)), "error agent_auth suspended");
});
