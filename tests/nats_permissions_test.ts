/** The users of setup/nats.conf: each can do its own, and nothing else. */
import assert from "node:assert/strict";
import { headers } from "@nats-io/nats-core";
import { connect, type Connection } from "@ourocodus/bus";
import {
  answerQuestion,
  cancelWork,
  openQuestions,
  questionRules,
  removeRule,
  sendWork,
  traceWork,
} from "@ourocodus/ops";
import {
  ROOT,
  runCli,
  SocketAgent,
  startApi,
  startNats,
  startRelay,
  type TestNats,
  until,
} from "./support/mod.ts";

type User = "relay" | "api" | "operator" | "sender" | "reader";

const CONFIG = Deno.readTextFileSync(`${ROOT}/setup/nats.conf`);
const USERS: readonly User[] = ["relay", "api", "operator", "sender", "reader"];

const password = (user: User) => `password-of-${user}`;

/** The file as it is, except the passwords, which are the environment's. */
async function start(): Promise<TestNats> {
  const config = CONFIG.replaceAll(
    /\$NATS_([A-Z]+)_PASSWORD/g,
    (_, user) => JSON.stringify(password(user.toLowerCase())),
  );
  return await startNats({ config });
}

function env(user: User): Record<string, string> {
  return {
    NATS_USER: user,
    NATS_PASSWORD: password(user),
    NATS_INBOX_PREFIX: `_INBOX_${user}`,
  };
}

function as(nats: TestNats, user: User): Promise<Connection> {
  const inboxPrefix = `_INBOX_${user}`;
  return connect({ url: nats.url, user, password: password(user), inboxPrefix });
}

const LATER = { reason: "limited", limit_key: "an-account", delay_ms: 100 };

/** What the server has refused. */
function violations(nats: TestNats): string[] {
  return nats.log.split("\n").filter((line) => line.includes("Violation"));
}

Deno.test("with these users work goes its way, is watched, stopped, cancelled and sent again, and nothing is refused", async () => {
  await using nats = await start();
  const relayEnv = { ...env("relay"), MAX_DELIVER: "1" };
  await using relay = await startRelay({ natsUrl: nats.url, env: relayEnv });
  await using second = await startRelay({ natsUrl: nats.url, env: relayEnv });
  await using api = await startApi({ natsUrl: nats.url, env: env("api") });
  const place = { session: "docs", role: "writer" };
  const answers = (url: string) =>
    SocketAgent.connect({
      ...{ ...place, relayUrl: url, agentId: "writer-1", v1: true, concurrency: 4 },
      onWork: (work, agent) => {
        const { attempt, payload: { message } } = work;
        if (message === "later" && attempt === 1) return agent.answer(work, LATER, "retry");
        if (message !== "stay") agent.answer(work, { said: message });
      },
    });
  await using agent = await answers(relay.url);
  const cli = async (user: User, args: readonly string[]) => {
    const done = await runCli(args, { natsUrl: nats.url, env: env(user) });
    assert.equal(done.code, 0, `${user}: ${args.join(" ")}: ${done.stderr}\n${violations(nats)}`);
    return done.stdout + done.stderr;
  };
  const names = ["--session", "docs", "--role", "writer"];
  const sent = await cli("sender", ["send", "work", ...names, "--message", "hello", "--wait"]);
  assert.match(sent, /"said": "hello"/);
  const [workId = ""] = /work_\w+/.exec(sent) ?? [];
  for (const user of ["operator", "reader"] as const) {
    const results = await cli(user, ["tail", "results", "--session", "docs", "--no-follow"]);
    assert.match(results, /hello/);
    assert.match(await cli(user, ["tail", "events", "--no-follow"]), /agent.connected/);
    assert.match(await cli(user, ["agent", "list"]), /writer-1/);
    assert.match(await cli(user, ["trace", "--session", "docs", workId]), /writer-1/);
  }

  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${api.url}${path}`, init);
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${response.status} ${text}\n${violations(nats)}`);
    return JSON.parse(text);
  };
  const post = (body: object, prefer?: string) =>
    ask("/api/sessions/docs/work/writer", {
      method: "POST",
      headers: { "content-type": "application/json", ...(prefer && { prefer }) },
      body: JSON.stringify(body),
    });
  for (const message of ["again", "later"]) {
    assert.equal((await post({ message }, "wait=30")).result.payload.said, message);
  }
  for (const path of ["agents", "sessions", "sessions/docs", "sessions/docs/work", "stats"]) {
    await ask(`/api/${path}`);
  }
  await ask("/api/sessions/docs/results");
  assert.equal((await ask("/health")).relays.length, 2);

  // Another relay takes over the running work of an agent.
  await post({ id: "moved", message: "stay" });
  const held = await until(() => agent.works.find(({ id }) => id === "moved"));
  await agent.close();
  await using back = await answers(second.url);
  back.send(JSON.stringify({ id: "r", type: "resume", payload: { leases: [held.lease] } }));
  await back.hears("relay.resumed");

  // A person answers it always, and thinks better of it.
  const question = { key: "k", question: "May I?", options: ["yes"], fingerprint: "it" };
  back.send(JSON.stringify({ ...held, type: "agent.ask", payload: question }));
  await using operator = await as(nats, "operator");
  const [asked] = await until(async () => {
    const open = await openQuestions(operator);
    return open.length > 0 && open;
  });
  assert.ok(asked);
  await answerQuestion(operator, asked, { answer: "yes", by: "ada", always: "session" });
  await back.hears("relay.answer");
  await ask("/api/questions/rules");
  const [rule] = await questionRules(operator);
  assert.ok(rule && await removeRule(operator, rule));

  const trace = async (id: string) => (await ask(`/api/work/${id}`)).state;
  const stop = await ask("/api/agents/writer-1?now=true", { method: "DELETE" });
  assert.equal(stop.id, "writer-1");
  await back.closed;
  await until(async () => await trace("moved") === "dead", { timeoutMs: 60_000 });
  const dead = (await ask("/api/sessions/docs/dead")).dead[0].work_sequence;
  await ask(`/api/sessions/docs/work/${dead}/retry`, { method: "POST" });
  await ask("/api/work/retry?state=failed,dead,cancelled&since=1h", { method: "POST" });
  await cli("operator", ["dead", "list", "--session", "docs", "--all"]);
  await cli("operator", ["work", "retry", workId, "--session", "docs"]);
  // The same id again, which the sender's own rights allow to compare.
  const known = ["send", "work", ...names, "--id", "known", "-m", "hello"];
  await cli("sender", known);
  assert.match(await cli("sender", known), /was stored before/);
  await sendWork(operator, { ...place, role: "nobody", id: "unwanted", payload: {} });
  assert.equal((await cancelWork(operator, { id: "unwanted" })).kind, "cancelled");
  const [cancelled] = await traceWork(operator, { id: "unwanted" });
  assert.equal(cancelled?.result?.payload?.code, "cancelled");
  assert.deepEqual(violations(nats), []);
});

/** What each may not do: publish to these subjects, or listen to those. */
const DENIED: Readonly<Record<User, { publish: readonly string[]; subscribe: readonly string[] }>> =
  {
    relay: {
      publish: [
        "sessions.s.work.r",
        "sessions.s.results.r",
        ...["settings.budgets.all", "settings.rules.s.r.x"],
        "relays.agents.stop",
        "$JS.API.STREAM.DELETE.OUROCODUS_WORK",
      ],
      subscribe: ["sessions.>", "_INBOX.>", "_INBOX_api.>", "$JS.>"],
    },
    api: {
      publish: [
        ...[
          "sessions.s.attempts.r.1-1",
          "sessions.s.dead.r",
          "relays.leases",
          "relays.limits",
          "$JS.ACK.OUROCODUS_WORK.s=r.1.1.1.1.0",
        ],
        ...[
          "sessions.s.results.r",
          "$JS.API.STREAM.DELETE.OUROCODUS_LOG",
          "$JS.API.STREAM.PURGE.OUROCODUS_WORK",
        ],
        "$JS.API.CONSUMER.MSG.NEXT.OUROCODUS_WORK.s=r",
      ],
      subscribe: ["sessions.s.work.r", "_INBOX_relay.>", "relays.>"],
    },
    operator: {
      publish: [
        ...[
          "sessions.s.attempts.r.1-1",
          "sessions.s.dead.r",
          "relays.leases",
          "relays.limits",
          "$JS.ACK.OUROCODUS_WORK.s=r.1.1.1.1.0",
        ],
        ...["$JS.API.STREAM.CREATE.OTHER", "$JS.API.CONSUMER.DURABLE.CREATE.OUROCODUS_WORK.x"],
      ],
      subscribe: ["sessions.>", "_INBOX_relay.>", "relays.>", ">"],
    },
    sender: {
      publish: [
        ...["sessions.s.results.r", "sessions.s.events", "sessions.s.dead.r", "relays.agents.stop"],
        ...["sessions.s.outcomes.r.1-1", "sessions.s.attempts.r.1-1", "settings.budgets.all"],
        ...[
          "relays.work.cancel",
          "relays.leases",
          "relays.limits",
          "$JS.API.STREAM.MSG.DELETE.OUROCODUS_WORK",
        ],
        ...["$JS.ACK.OUROCODUS_WORK.s=r.1.1.1.1.0", "$JS.API.CONSUMER.DELETE.OUROCODUS_WORK.s=r"],
        "$JS.API.CONSUMER.MSG.NEXT.OUROCODUS_WORK.s=r",
      ],
      subscribe: ["sessions.>", "_INBOX_relay.>", "_INBOX_reader.>"],
    },
    reader: {
      publish: [
        ...["sessions.s.work.r", "sessions.s.results.r", "sessions.s.events", "relays.agents.stop"],
        ...["sessions.s.outcomes.r.1-1", "sessions.s.attempts.r.1-1", "settings.budgets.all"],
        ...[
          "relays.work.cancel",
          "relays.leases",
          "relays.limits",
          "$JS.API.STREAM.MSG.DELETE.OUROCODUS_WORK",
        ],
        ...["$JS.ACK.OUROCODUS_WORK.s=r.1.1.1.1.0", "$JS.API.STREAM.UPDATE.OUROCODUS_LOG"],
      ],
      subscribe: ["_INBOX_relay.>", "_INBOX_sender.>", "relays.>"],
    },
  };

for (const user of USERS) {
  Deno.test(`${user} may not do what is others'`, async () => {
    await using nats = await start();
    await using connection = await as(nats, user);
    for (const subject of DENIED[user].publish) {
      connection.nats.publish(subject, "{}", { headers: headers() });
      await connection.nats.flush();
      const line = await until(
        () => violations(nats).find((line) => line.includes(`"${subject}"`)),
        { message: subject },
      );
      assert.match(line, /Publish Violation/);
    }
    for (const subject of DENIED[user].subscribe) {
      const subscription = connection.nats.subscribe(subject, { callback: () => {} });
      await connection.nats.flush().catch(() => {});
      const line = await until(
        () => violations(nats).find((line) => line.includes(`"${subject}"`)),
        { message: subject },
      );
      assert.match(line, /Subscription Violation/);
      subscription.unsubscribe();
    }
  });
}

Deno.test("a user who forgets the prefix of its answers is told of it", async () => {
  await using nats = await start();
  await using _relay = await startRelay({ natsUrl: nats.url, env: env("relay") });
  const { code, stderr } = await runCli(["tail", "results", "--session", "s", "--no-follow"], {
    natsUrl: nats.url,
    env: { ...env("reader"), NATS_INBOX_PREFIX: "" },
  });
  assert.equal(code, 1);
  assert.match(stderr, /"_INBOX\..*NATS_INBOX_PREFIX/);
});

Deno.test("nobody comes in without a password, or with another's", async () => {
  await using nats = await start();
  const strangers = [{}, { user: "relay" }, { user: "relay", password: password("reader") }];
  for (const stranger of strangers) {
    await assert.rejects(connect({ url: nats.url, ...stranger }), { name: "ConnectError" });
  }
});
