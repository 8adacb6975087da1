/** Questions of agents, from asking to the answer, with the programs that people use. */
import assert from "node:assert/strict";
import { type QuestionAnswer, serve, WorkAbortedError } from "@ourocodus/agent";
import { answerQuestion, openQuestions } from "@ourocodus/ops";
import {
  BusClient,
  runCli,
  startApi,
  startCluster,
  startNats,
  startRelay,
  until,
} from "./support/mod.ts";

const PLACE = { session: "s", role: "r" };
const ASK = { question: "Delete the table?", options: ["allow", "deny"], default: "deny" };

/** An agent that asks about each work item, and returns what it is answered. */
function asking(relayUrl: string, agentId: string, answers: QuestionAnswer[] = []) {
  const stop = new AbortController();
  const abandon = new AbortController();
  const served = serve(
    {
      relayUrl,
      ...PLACE,
      agentId,
      signal: stop.signal,
      abandon: abandon.signal,
      onEvent: () => {},
    },
    async (_, context) => {
      const answer = await context.ask(ASK);
      answers.push(answer);
      return answer;
    },
  );
  return {
    answers,
    /** As if its process were killed: it says no goodbye to its work. */
    async [Symbol.asyncDispose]() {
      abandon.abort();
      stop.abort();
      await served;
    },
  };
}

Deno.test("a question is asked, its agent dies, it is asked again, and answered once", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { LEASE_GRACE_SECONDS: "0" } });
  await using client = await BusClient.connect(nats.url);
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  await client.send("s", "r", "a");
  {
    await using _first = asking(relay.url, "one");
    await until(async () => (await openQuestions(client.connection)).length === 1);
  }
  const listed = await cli("questions");
  assert.match(
    listed.stdout,
    /^1-\d+-[0-9a-f]{16}-1 {2}a \(session s, role r\)\n {2}Delete the table\?\n {2}agent one asks; after [\d. a-z]+ the answer is "deny"\n {2}allow \| deny\n/,
  );
  const wrong = await cli("questions", "answer", "1", "perhaps");
  assert.deepEqual([wrong.code, wrong.stderr], [
    ...[1, "error: it is none of the options: allow, deny\n"],
  ]);
  const done = await cli("questions", "answer", "1", "allow", "--by", "ada");
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^✓ 1-\d+-[0-9a-f]{16}-1 is answered\n$/);
  assert.equal((await cli("questions", "answer", "1", "deny")).code, 1);
  await using second = asking(relay.url, "two");
  const [result] = await client.hasResults("s", 1);
  assert.deepEqual(result?.message.payload, { answer: "allow", by: "ada" });
  assert.equal(second.answers.length, 1);
  assert.equal((await cli("questions")).stdout, "No question waits\n");
  const { stdout: trace } = await cli("trace", "a");
  assert.match(trace, / asks +Delete the table\?\n[^]* is answered +allow, by ada\n/);
});

Deno.test("two people answer at once, on three servers: one answer counts, and the other is told whose", async () => {
  await using cluster = await startCluster(3);
  await using relay = await startRelay({
    natsUrl: cluster.url,
    env: { OUROCODUS_REPLICAS: "3" },
  });
  await using client = await BusClient.connect(cluster.url);
  await using agent = asking(relay.url, "one");
  for (let number = 1; number <= 10; number++) {
    await client.send("s", "r", `w${number}`);
    const [question] = await until(async () => {
      const open = await openQuestions(client.connection);
      return open.some(({ work_id }) => work_id === `w${number}`) && open;
    });
    assert.ok(question);
    const answered = await Promise.all([
      answerQuestion(client.connection, question, "allow", "ada"),
      answerQuestion(client.connection, question, "deny", "bob"),
    ]);
    assert.deepEqual(answered.map(({ kind }) => kind).toSorted(), ["answered", "taken"]);
    await until(() => agent.answers.length === number, { timeoutMs: 60_000 });
    const [ours] = answered.flatMap((one) => one.kind === "taken" ? [one.answer] : []);
    const told = agent.answers.at(-1);
    assert.deepEqual([told?.answer, told?.by], [ours?.answer, ours?.by]);
  }
});

Deno.test("the API lists questions, and takes one answer", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using api = await startApi({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  await using agent = asking(relay.url, "one");
  await client.send("s", "r", "a");
  const list = async () => (await (await fetch(`${api.url}/api/questions`)).json()).questions;
  const [question] = await until(async () => {
    const questions = await list();
    return questions.length > 0 && questions;
  });
  const answer = async (body: object, id = question.question_id) => {
    const response = await fetch(`${api.url}/api/questions/${id}/answer`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await response.text();
    return response.status;
  };
  const statuses = [];
  for (const body of [{ answer: "perhaps" }, {}, { answer: "allow", by: "ada" }]) {
    statuses.push(await answer(body));
  }
  statuses.push(await answer({ answer: "allow" }, "1-1-x"));
  statuses.push(await answer({ answer: "allow" }, "nonsense"));
  assert.deepEqual(statuses, [422, 400, 200, 404, 400]);
  await until(() => agent.answers.length === 1);
  assert.deepEqual(agent.answers, [{ answer: "allow", by: "ada" }]);
  assert.deepEqual(await list(), []);
});

Deno.test("a handler that waits for an answer hears that its work is cancelled, or that it cannot ask", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const errors: unknown[] = [];
  const stop = new AbortController();
  const served = serve(
    { relayUrl: relay.url, ...PLACE, signal: stop.signal, onEvent: () => {} },
    async (_, context) => {
      await assert.rejects(context.ask({ question: "" }), /Cannot ask: question is 0 characters/);
      await context.ask(ASK).catch((error) => errors.push(error));
    },
  );
  await client.send("s", "r", "a");
  await until(async () => (await openQuestions(client.connection)).length === 1);
  await runCli(["work", "cancel", "a"], { natsUrl: nats.url });
  await until(() => errors.length === 1);
  assert.ok(errors[0] instanceof WorkAbortedError);
  await until(async () => (await openQuestions(client.connection)).length === 0);
  stop.abort();
  await served;
});
