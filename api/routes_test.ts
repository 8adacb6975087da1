/** Every route, with what is behind it; each answer is compared with /openapi.json on the way. */
import assert from "node:assert/strict";
import { connect, publishStored } from "@ourocodus/bus";
import {
  formatMessage,
  LOG_STREAM,
  type QuestionRecord,
  questionsSubject,
} from "@ourocodus/protocol";
import { until } from "../tests/support/mod.ts";
import { type Scene, scene } from "./testing/api_scene.ts";
import { startTestApi } from "./testing/test_api.ts";

const WORK = "/api/sessions/docs/work/writer";

Deno.test("work goes its way through the API, and every route says so", async () => {
  await using there = await scene();
  const { api } = there;
  // Nobody is there yet: it is stored, and waits.
  const stored = await api.post(WORK, { message: "early", due: "noon", state: "odd" });
  assert.equal(stored.status, 202);
  assert.equal(stored.body.result, null);
  const location = stored.headers.get("location") ?? "";
  assert.match(location, /^\/api\/work\//);
  assert.equal((await api.fetch(location)).body.state, "waiting");
  const waiting = await api.fetch("/api/sessions/docs/work");
  assert.deepEqual(
    waiting.body.work.map(({ state, work_sequence, due }: Record<string, unknown>) => [
      state,
      work_sequence,
      due,
    ]),
    [["waiting", stored.body.sequence, "noon"]],
    "the message's further fields are there, ours win",
  );

  await using _agent = await there.agent("writer-1");
  await until(async () => (await api.fetch(location)).body.state === "done");
  const answered = await api.post(WORK, { payload: { message: "hello" } }, { prefer: "wait=30" });
  assert.equal(answered.status, 200);
  assert.equal(answered.headers.get("preference-applied"), "wait=30");
  assert.deepEqual(answered.body.result.payload, { said: "hello" });

  await api.post(WORK, { id: "bad", payload: { answer: "error" } }, { prefer: "wait=30" });
  assert.equal((await api.fetch("/api/work/bad?session=docs&role=writer")).body.state, "failed");

  await api.post(WORK, { id: "stays", payload: { answer: "never" } });
  await until(async () => (await api.fetch("/api/work/stays")).body.state === "in_hand");
  const running = await api.fetch("/api/sessions/docs/work?role=writer&limit=1");
  assert.equal(running.body.work[0].agent_id, "writer-1");

  const results = await api.fetch("/api/sessions/docs/results?limit=2");
  assert.deepEqual(
    results.body.results.map(({ id }: { id: string }) => id),
    ["bad", answered.body.id],
  );
  const { next_before } = results.body;
  const older = await api.fetch(`/api/sessions/docs/results?before=${next_before}&role=writer`);
  assert.deepEqual(older.body.results.map(({ id }: { id: string }) => id), [stored.body.id]);
  assert.equal(older.body.next_before, null);

  const bySequence = `/api/sessions/docs/work/${stored.body.sequence}`;
  assert.equal((await api.fetch(bySequence)).body.id, stored.body.id);

  const { body: { sessions } } = await api.fetch("/api/sessions");
  const { last_activity, roles, ...session } = sessions[0];
  assert.deepEqual(session, {
    ...{
      session_id: "docs",
      agents: 1,
      waiting: 0,
      in_hand: 1,
      done: 2,
      cancelled: 0,
      failed: 1,
      dead: 0,
    },
  });
  assert.equal(roles[0].role, "writer");
  assert.ok(Date.now() - Date.parse(last_activity) < 60_000);
  assert.equal((await api.fetch("/api/sessions/docs")).body.done, 2);

  assert.ok((await api.fetch("/api/stats")).body.points.length > 0);
  assert.equal((await api.fetch("/problems")).body["not-found"].status, 404);
  assert.equal((await api.fetch("/openapi.json")).body.openapi, "3.1.0");
  assert.equal((await api.fetch("/health")).body.relays.length, 1);
  assert.match((await api.fetch("/metrics")).text, /^ourocodus_api_work_sent_total 4$/m);

  const { agents, warnings } = (await api.fetch("/api/agents?session=docs&role=writer")).body;
  assert.deepEqual([agents.length, agents[0].runtime, agents[0].in_hand], [1, "external", 1]);
  assert.deepEqual(warnings, []);
  assert.equal((await api.fetch("/api/agents/writer-1")).body.work[0].id, "stays");

  const events = await fetch(`${api.url}/api/events`);
  const { status, headers } = events;
  api.contract.check("GET", "/api/events", { status, headers, text: undefined });
  await events.body?.cancel();

  await cancels(there);
  await answers(there);
  const dead = await killedWork(there);
  const retryPath = `/api/sessions/docs/work/${dead.work_sequence}/retry`;
  const retried = await api.post(retryPath);
  assert.equal(retried.status, 202);
  assert.deepEqual([retried.body.retry_of, retried.body.was], [dead.work_sequence, "dead"]);
  const again = await api.post(retryPath);
  assert.deepEqual([again.status, again.body.retried_as, again.body.work_sequence], [
    ...[409, retried.body.sequence, dead.work_sequence],
  ]);
  assert.equal((await api.fetch("/api/sessions/docs/dead")).body.dead.length, 0);
  const all = (await api.fetch("/api/sessions/docs/dead?all=true")).body.dead;
  assert.equal(all[0].requeued_as, retried.body.sequence);
  await retries(there);
  await requeues(there, dead.sequence);

  assert.deepEqual(api.contract.unseen(), [], "every success of every operation was seen");
});

/** Retries dead work by its old name. */
async function requeues({ api }: Scene, sequence: number): Promise<void> {
  const path = `/api/sessions/docs/dead/${sequence}/requeue`;
  const retried = await api.fetch(`${path}?again=true`, { method: "POST" });
  assert.deepEqual([retried.status, retried.body.requeued_from], [202, sequence]);
  const again = await api.fetch(path, { method: "POST" });
  assert.deepEqual([again.status, again.body.work_sequence], [409, retried.body.sequence]);
  const trace = (await api.fetch(`/api/sessions/docs/work/${retried.body.sequence}`)).body;
  assert.deepEqual([trace.requeued_from, trace.retry_of], [sequence, retried.body.retry_of]);
}

/** Answers questions about work that waits. */
async function answers({ api }: Scene): Promise<void> {
  const { body } = await api.post("/api/sessions/docs/work/nobody", { id: "asks", message: "x" });
  await using connection = await connect({ url: api.natsUrl });
  const ask = async (key: string, more: Partial<QuestionRecord> = {}) => {
    const question = questionAbout(body.sequence, key, more);
    const { question_id: id, role } = question;
    const text = formatMessage(id, "question", question);
    await publishStored(connection, questionsSubject("docs", role, id), text, {
      ...{ headers: {}, stream: LOG_STREAM, timeoutMs: 5_000 },
    });
    return { question, path: `/api/questions/${id}/answer?session=docs&role=${role}` };
  };
  const { question, path } = await ask("key-1");
  const { body: { questions } } = await api.fetch("/api/questions?session=docs");
  assert.deepEqual(questions, [question]);
  assert.equal((await api.post(path, { answer: "perhaps" })).status, 422);
  assert.equal((await api.post(path, { answer: "yes", always: "session" })).status, 422);
  assert.equal((await api.post(path, { answer: "yes", always: "ever" })).status, 400);
  const answered = await api.post(path, { answer: "yes", by: "ada" });
  const { question_id } = question;
  assert.deepEqual(answered.body, { question_id, answer: "yes", by: "ada" });
  assert.equal((await api.post(path, { answer: "no" })).status, 404, "it waits no more");

  const other = await ask("key-2", { fingerprint: "execute: ls" });
  const { body: { rule } } = await api.post(other.path, { answer: "yes", always: "session" });
  assert.deepEqual([rule.fingerprint, rule.answer, rule.by], ["execute: ls", "yes", "somebody"]);
  assert.deepEqual((await api.fetch("/api/questions/rules?session=docs")).body.rules, [rule]);
  assert.deepEqual((await api.fetch("/api/questions/rules?role=other")).body.rules, []);
  const remove = (query: string) =>
    api.fetch(`/api/questions/rules/${rule.rule_id}${query}`, { method: "DELETE" });
  assert.equal((await remove("?session=papers")).status, 404);
  assert.deepEqual((await remove("?session=docs")).body, rule);
  assert.equal((await remove("")).status, 404);
}

function questionAbout(
  sequence: number,
  key: string,
  more: Partial<QuestionRecord>,
): QuestionRecord {
  return {
    ...{ question_id: `${sequence}-1-${key}`, question: "May I?", options: ["yes", "no"] },
    default: "no",
    ...more,
    ...{ session_id: "docs", role: "nobody", work_id: "asks", work_sequence: sequence },
    ...{ attempt: 1, agent_id: "a" },
    ...{ asked_at: new Date().toISOString(), expires_at: new Date().toISOString() },
  };
}

/** Cancels work that waits and work that an agent has, by id and by sequence. */
async function cancels({ api }: Scene): Promise<void> {
  const NOBODY = "/api/sessions/docs/work/nobody";
  const waiting = (await api.post(NOBODY, { id: "a", message: "x" })).body;
  const path = "/api/work/a?session=docs&role=nobody&reason=not%20needed";
  const removed = await api.fetch(path, { method: "DELETE" });
  assert.equal(removed.status, 200);
  assert.deepEqual(removed.body, {
    ...{ id: "a", work_sequence: waiting.sequence, session_id: "docs", role: "nobody" },
    ...{ state: "cancelled", was: "waiting", holder: null },
  });
  const { body: trace } = await api.fetch("/api/work/a");
  assert.deepEqual([trace.state, trace.result.payload.message], ["cancelled", "not needed"]);
  const again = await api.fetch(path, { method: "DELETE" });
  assert.deepEqual([again.status, again.body.state, again.body.work_sequence], [
    ...[409, "cancelled", waiting.sequence],
  ]);
  const { sequence } = (await api.post(WORK, { id: "b", payload: { answer: "never" } })).body;
  await until(async () => (await api.fetch("/api/work/b")).body.state === "in_hand");
  const more = (of: number, ms: string) =>
    api.fetch(`/api/sessions/docs/work/${of}/extend?ms=${ms}`, { method: "POST" });
  const extended = await more(sequence, "1000");
  assert.deepEqual([extended.status, extended.body.agent_id, extended.body.attempt], [
    ...[200, "writer-1", 1],
  ]);
  assert.equal((await more(waiting.sequence, "1000")).status, 409);
  assert.equal((await more(99, "1000")).status, 404);
  assert.equal((await more(sequence, "0")).status, 400);
  const taken = await api.fetch(`/api/sessions/docs/work/${sequence}`, { method: "DELETE" });
  assert.equal(taken.status, 200);
  const { was, holder: { relay_id, ...holder } } = taken.body;
  assert.match(relay_id, /^relay-/);
  assert.deepEqual([was, holder], [
    "in_hand",
    { agent_id: "writer-1", attempt: 1, told: false, away: false },
  ]);
  const { text } = await api.fetch("/metrics");
  assert.match(text, /^ourocodus_api_work_cancelled_total\{was="waiting"\} 1$/m);
  assert.match(text, /^ourocodus_api_work_cancelled_total\{was="in_hand"\} 1$/m);
  assert.equal((await api.fetch("/api/sessions/docs")).body.cancelled, 2);
  const points: { cancelled: number }[] = (await api.fetch("/api/stats")).body.points;
  assert.equal(points.reduce((sum, { cancelled }) => sum + cancelled, 0), 2);
}

/** Has an agent stopped at once with the work that stays: with one attempt it is dead. */
async function killedWork(
  { api, agent }: Scene,
): Promise<{ sequence: number; work_sequence: number }> {
  const stopped = await api.fetch("/api/agents/writer-1?now=true", { method: "DELETE" });
  assert.equal(stopped.status, 202);
  const letter = await until(async () => {
    const { body } = await api.fetch("/api/sessions/docs/dead");
    return body.dead[0] as { id: string; sequence: number; work_sequence: number } | undefined;
  });
  assert.equal(letter.id, "stays");
  assert.equal((await api.fetch("/api/work/stays")).body.state, "dead");
  await using _next = await agent("writer-2");
  return letter;
}

/** Sends work again that failed, and work that was cancelled: by id, and all of it. */
async function retries({ api }: Scene): Promise<void> {
  const bad = await api.post("/api/work/bad/retry?session=docs");
  assert.equal(bad.status, 202, bad.text);
  assert.deepEqual([bad.body.id, bad.body.was, bad.body.duplicate], ["bad", "failed", false]);
  assert.equal(bad.headers.get("location"), "/api/work/bad?session=docs&role=writer");
  const { body: trace } = await api.fetch("/api/work/bad");
  assert.deepEqual([trace.work_sequence, trace.retry_of], [bad.body.sequence, bad.body.retry_of]);
  const early = await api.post("/api/work/bad/retry");
  assert.deepEqual([early.status, early.body.state], [409, "waiting"]);
  assert.match(early.body.detail, /is waiting, nothing was sent; cancel it first: DELETE \/api\//);
  const list = async (query: string) => {
    const { status, body, text } = await api.post(
      `/api/work/retry?state=cancelled,failed&since=1h${query}`,
    );
    assert.equal(status, 200, text);
    assert.deepEqual(body.refused, []);
    return [
      ...body.retried.map(({ id, state, retried_as }: Record<string, unknown>) =>
        `${id} ${state} ${typeof retried_as}`
      ),
      ...(body.more ? ["more"] : []),
    ];
  };
  assert.deepEqual(await list("&dry_run=true"), ["a cancelled object", "b cancelled object"]);
  assert.deepEqual(await list("&limit=1"), ["a cancelled number", "more"]);
  await until(async () => (await list("&dry_run=true")).length === 1);
  assert.deepEqual(await list("&session=docs"), ["b cancelled number"]);
  await until(async () => (await list("&dry_run=true")).length === 0);
  assert.deepEqual(await list(""), []);
}

Deno.test("two agents of one id are told apart by session", async () => {
  await using there = await scene();
  await using _one = await there.agent("twin");
  await using _other = await there.agent("twin", { session: "papers" });
  const { api } = there;
  const both = await until(async () => {
    const answer = await api.fetch("/api/agents/twin");
    return answer.status === 409 && answer;
  });
  assert.deepEqual(
    both.body.candidates.map(({ session_id }: { session_id: string }) => session_id),
    ["docs", "papers"],
  );
  assert.equal((await api.fetch("/api/agents/twin?session=papers")).body.session_id, "papers");
  assert.equal((await api.fetch("/api/agents/nobody")).status, 404);
  assert.equal((await api.fetch("/api/agents/nobody", { method: "DELETE" })).status, 404);
});

Deno.test("an id of several work items cancels none, and the answer names them", async () => {
  await using there = await scene();
  const { api } = there;
  const sequences: number[] = [];
  for (const session of ["docs", "papers"]) {
    const sent = await api.post(`/api/sessions/${session}/work/writer`, { id: "x", message: "" });
    sequences.push(sent.body.sequence);
  }
  const both = await api.fetch("/api/work/x", { method: "DELETE" });
  assert.equal(both.status, 409);
  const [one = 0, other = 0] = sequences;
  assert.deepEqual(both.body.candidates, [
    { work_sequence: other, session_id: "papers", role: "writer", id: "x" },
    { work_sequence: one, session_id: "docs", role: "writer", id: "x" },
  ]);
  assert.equal((await api.fetch("/api/work/x?session=docs")).body.state, "waiting");
  const elsewhere = await api.fetch(`/api/sessions/papers/work/${one}`, { method: "DELETE" });
  assert.equal(elsewhere.status, 404, "it is not of that session");
  const papers = await api.fetch("/api/work/x?session=papers", { method: "DELETE" });
  assert.equal(papers.body.work_sequence, other);
  const retry = await api.post("/api/work/x/retry");
  assert.deepEqual([retry.status, retry.body.candidates.length], [409, 2]);
  const now = await api.fetch("/api/work/x", { method: "DELETE" });
  assert.equal(now.body.work_sequence, one, "one of the two has an outcome");
  const reason = "x".repeat(501);
  const long = await api.fetch(`/api/work/x?reason=${reason}`, { method: "DELETE" });
  assert.equal(long.status, 400);
  assert.match(long.body.detail, /reason has 501 characters, at most 500 are allowed/);
});

Deno.test("what is not there is not found, and what it was is said", async () => {
  await using api = await startTestApi();
  for (
    const [path, method, detail] of [
      ["/api/work/7", "GET", "by its sequence it would be /api/sessions/{session}/work/7"],
      ["/api/work/a%2Fb?session=docs", "GET", '"a/b" in session docs'],
      ["/api/sessions/nobody", "GET", "there is no session nobody"],
      ["/api/sessions/docs/work/9", "GET", "nothing is known of work 9 in session docs"],
      ["/api/sessions/docs/dead/9/requeue", "POST", "no dead letter with the sequence 9"],
      ["/api/work/7", "DELETE", "by its sequence it would be /api/sessions/{session}/work/7"],
      ["/api/sessions/docs/work/9", "DELETE", "nothing is known of work 9 in session docs"],
      ["/api/work/7/retry", "POST", "by its sequence it would be /api/sessions/{session}/work/7"],
      ["/api/sessions/docs/work/9/retry", "POST", "nothing is known of work 9 in session docs"],
    ] as const
  ) {
    const answer = await api.fetch(path, { method });
    assert.equal(answer.status, 404, path);
    assert.ok(answer.body.detail.includes(detail), answer.body.detail);
  }
});

Deno.test("without NATS it says so, tells what it knows by itself, and is there again after", async () => {
  await using api = await startTestApi();
  const { nats } = api;
  assert.ok(nats);
  await nats.stop();
  const health = await until(async () => {
    const answer = await api.fetch("/health");
    return answer.status === 503 && answer;
  });
  assert.equal(health.body.nats, "disconnected");
  assert.match(health.body.reason, /^NATS at .* is away$/);
  const sent = await api.post(WORK, { message: "x" });
  assert.equal(sent.status, 503);
  assert.equal(sent.headers.get("retry-after"), "1");
  assert.equal((await api.fetch("/api/stats")).status, 200);
  await nats.start();
  await until(async () => (await api.fetch("/health")).status === 200, { timeoutMs: 20_000 });
  assert.equal((await api.post(WORK, { message: "x" })).status, 202);
});

Deno.test("one client of the event stream more than there may be is told to come back later", async () => {
  await using api = await startTestApi({ env: { MAX_EVENT_CLIENTS: "1" } });
  const first = await fetch(`${api.url}/api/events`);
  assert.equal(first.status, 200);
  const second = await api.fetch("/api/events");
  assert.deepEqual([second.status, second.headers.get("retry-after")], [503, "5"]);
  assert.equal(second.body.detail, "1 clients follow events, that is MAX_EVENT_CLIENTS");
  await first.body?.cancel();
  const again = await until(async () => {
    const response = await fetch(`${api.url}/api/events`);
    if (response.status === 200) return response;
    await response.body?.cancel();
    return undefined;
  });
  await again.body?.cancel();
});

Deno.test("throughput is told of one session, too", async () => {
  await using api = await startTestApi();
  for (const session of ["docs", "docs", "papers"]) {
    await api.post(`/api/sessions/${session}/work/writer`, { message: "x" });
  }
  const stored = async (query: string) => {
    const { body } = await api.fetch(`/api/stats${query}`);
    return body.points.reduce((sum: number, point: { stored: number }) => sum + point.stored, 0);
  };
  await until(async () => await stored("") === 3);
  assert.deepEqual(
    [await stored("?session=docs"), await stored("?session=papers"), await stored("?session=none")],
    [2, 1, 0],
  );
});
