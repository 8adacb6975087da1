/** Questions of agents, from asking to the answer, with the programs that people use. */
import assert from "node:assert/strict";
import {
  type Question,
  type QuestionAnswer,
  serve,
  type Work,
  WorkAbortedError,
} from "@ourocodus/agent";
import { answerQuestion, openQuestions, questionRules } from "@ourocodus/ops";
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

interface AskingOptions {
  readonly answers?: QuestionAnswer[];
  readonly role?: string;
  /** What it asks, by default about a table. */
  readonly ask?: (work: Work) => Question;
}

/** An agent that asks about each work item, and returns what it is answered. */
function asking(
  relayUrl: string,
  agentId: string,
  { answers = [], role = PLACE.role, ask = () => ASK }: AskingOptions = {},
) {
  const stop = new AbortController();
  const abandon = new AbortController();
  const served = serve(
    {
      relayUrl,
      ...{ ...PLACE, role },
      agentId,
      signal: stop.signal,
      abandon: abandon.signal,
      onEvent: () => {},
    },
    async (work, context) => {
      const answer = await context.ask(ask(work));
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
      answerQuestion(client.connection, question, { answer: "allow", by: "ada" }),
      answerQuestion(client.connection, question, { answer: "deny", by: "bob" }),
    ]);
    assert.deepEqual(answered.map(({ kind }) => kind).toSorted(), ["answered", "taken"]);
    await until(() => agent.answers.length === number, { timeoutMs: 60_000 });
    const [ours] = answered.flatMap((one) => one.kind === "taken" ? [one.answer] : []);
    const told = agent.answers.at(-1);
    assert.deepEqual([told?.answer, told?.by], [ours?.answer, ours?.by]);
  }
});

/** What a coding agent asks about a command: what comes in a work item's id after a number. */
function permission({ id }: Work): Question {
  const command = id.slice(2);
  return {
    question: `May it do this (execute)? ${command}`,
    options: ["allow", "allow for this session", "deny"],
    fingerprint: `execute: ${command}`,
  };
}

Deno.test("what is allowed for the session is not asked again there, until its rule is removed", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const cli = (...args: string[]) => runCli(args, { natsUrl: nats.url });
  const waits = (id: string) =>
    until(async () => {
      const open = await openQuestions(client.connection);
      return open.find(({ work_id }) => work_id === id);
    }, { message: `a question of ${id}` });
  await using one = asking(relay.url, "one", { ask: permission });
  await using two = asking(relay.url, "two", { ask: permission, role: "other" });
  assert.equal((await cli("questions", "rules")).stdout, "No rules\n");
  await client.send("s", "r", "1 npm test");
  await waits("1 npm test");
  const { stdout: listed } = await cli("questions");
  assert.match(
    listed,
    /allow \| allow for this session \| deny\n {2}with --always also whenever this role asks about: execute: npm test\n/,
  );
  const done = await cli("questions", "answer", "1", "allow for this session", "--by", "ada");
  assert.match(
    done.stdout,
    /^✓ 1-\S+ is answered; rule [0-9a-f]{16}: allow, whenever role r of session s asks about execute: npm test\n$/,
  );
  await until(() => one.answers.length === 1);
  assert.deepEqual(one.answers[0], { answer: "allow", by: "ada" });
  const [rule] = await questionRules(client.connection);
  const { stdout: rules } = await cli("questions", "rules", "-s", "s");
  assert.ok(
    rules.startsWith(
      `${rule?.rule_id}  allow (session s, role r)\n  execute: npm test\n  by ada, since 20`,
    ),
    rules,
  );
  assert.equal((await cli("questions", "rules", "-s", "t")).stdout, "No rules\n");
  // The same again, after NATS was restarted.
  await nats.restart();
  await client.send("s", "r", "2 npm test");
  await until(() => one.answers.length === 2);
  assert.deepEqual(one.answers[1], { answer: "allow", by: `rule ${rule?.rule_id} of ada` });
  const { stdout: trace } = await cli("trace", "2 npm test");
  assert.match(
    trace,
    / asks +May it do this[^]* is answered +allow, by rule [0-9a-f]{16} of ada\n/,
  );
  // Another command, and another role, are asked about.
  await client.send("s", "r", "3 npm test -- -u");
  await client.send("s", "other", "4 npm test");
  const { question_id } = await waits("3 npm test -- -u");
  await until(async () => (await openQuestions(client.connection)).length === 2);
  const never = await cli("questions", "answer", question_id, "deny", "--always");
  assert.match(never.stdout, /: deny, whenever role r .* asks about execute: npm test -- -u\n$/);
  await until(() => one.answers.length === 3);
  assert.deepEqual(two.answers, []);
  // Without the rule it is asked again.
  const removed = await cli("questions", "rules", "remove", String(rule?.rule_id.slice(0, 8)));
  assert.deepEqual([removed.code, removed.stdout], [
    ...[0, `✓ rule ${rule?.rule_id} is removed: execute: npm test\n`],
  ]);
  const again = await cli("questions", "rules", "remove", String(rule?.rule_id));
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^error: there is no rule/);
  await client.send("s", "r", "5 npm test");
  await until(async () => (await openQuestions(client.connection, PLACE)).length === 1);
  for (const open of await openQuestions(client.connection)) {
    await answerQuestion(client.connection, open, { answer: "deny", by: "ada" });
  }
  await until(() => one.answers.length === 4 && two.answers.length === 1);
});

Deno.test("no rule is made of what has no fingerprint, nor of an answer that is second", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  await using _agent = asking(relay.url, "one", {
    ask: (work) => work.id === "bare" ? ASK : permission(work),
  });
  const { connection } = client;
  const question = async (id: string) => {
    await client.send("s", "r", id);
    const [open] = await until(async () => {
      const found = await openQuestions(connection);
      return found.length > 0 && found;
    });
    assert.equal(open?.work_id, id);
    return open;
  };
  const always = { by: "ada", always: "session" } as const;
  const bare = await question("bare");
  const refused = await answerQuestion(connection, bare, { answer: "allow", ...always });
  assert.deepEqual(refused, { kind: "no_fingerprint" });
  assert.equal(
    (await answerQuestion(connection, bare, { answer: "deny", by: "ada" })).kind,
    "answered",
  );
  const asked = await question("1 ls");
  assert.equal(
    (await answerQuestion(connection, asked, { answer: "deny", by: "bob" })).kind,
    "answered",
  );
  const second = await answerQuestion(connection, asked, { answer: "allow", ...always });
  assert.equal(second.kind, "taken");
  const wrong = await answerQuestion(connection, asked, { answer: "allow all", ...always });
  assert.equal(wrong.kind, "no_option");
  assert.deepEqual(await questionRules(connection), []);
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
