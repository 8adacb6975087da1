/** Work goes out, an agent answers, the result comes back: whole processes on a real nats-server. */
import assert from "node:assert/strict";
import {
  BusClient,
  type ReceivedWork,
  runCli,
  SocketAgent,
  startEchoAgent,
  startNats,
  startRelay,
  until,
  workItems,
} from "./support/mod.ts";

Deno.test("work sent while no agent runs is answered when one comes, and can be read afterwards", async () => {
  await using nats = await startNats();
  const natsUrl = nats.url;
  const args = ["--session", "test", "--role", "echo"];
  const sent = await runCli(["send", "work", ...args, "--message", "hello"], { natsUrl });
  assert.equal(sent.code, 0, sent.stderr);
  assert.match(sent.stdout, /✓/);

  await using relay = await startRelay({ natsUrl });
  await using _agent = startEchoAgent({ relayUrl: relay.url, session: "test", role: "echo" });
  await using client = await BusClient.connect(natsUrl);
  await client.hasResults("test", 1);

  const tail = await runCli(["tail", "results", "--session", "test", "--no-follow"], { natsUrl });
  assert.equal(tail.code, 0, tail.stderr);
  assert.match(tail.stdout, /hello/);
  await client.hasNoWork();
});

Deno.test("two agents with concurrency 1 share 20 work items evenly, one at a time each", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const shares = [0, 0];
  const atOnce = [0, 0];
  const timers = new Set<Promise<void>>();
  const agent = (index: number) => {
    let busy = 0;
    return SocketAgent.connect({
      relayUrl: relay.url,
      session: "s",
      role: "r",
      v1: true,
      onWork: (work, agent) => {
        shares[index] = (shares[index] ?? 0) + 1;
        atOnce[index] = Math.max(atOnce[index] ?? 0, ++busy);
        timers.add(
          new Promise((resolve) =>
            setTimeout(() => {
              busy--;
              agent.answer(work);
              resolve();
            }, 200)
          ),
        );
      },
    });
  };
  await using _first = await agent(0);
  await using _second = await agent(1);
  await Promise.all(Array.from({ length: 20 }, (_, n) => client.send("s", "r", `w${n}`)));
  const results = await client.hasResults("s", 20);
  await Promise.all(timers);

  assert.equal(new Set(results.map(({ work }) => work?.sequence)).size, 20);
  assert.deepEqual(atOnce, [1, 1]);
  assert.ok(shares.every((share) => share >= 8), `shared as ${shares}`);
});

Deno.test("two relays share the work of one role", async () => {
  await using nats = await startNats();
  await using first = await startRelay({ natsUrl: nats.url });
  await using second = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const onWork = (work: ReceivedWork, agent: SocketAgent) => agent.answer(work);
  const options = { session: "s", role: "r", onWork };
  await using one = await SocketAgent.connect({ relayUrl: first.url, ...options });
  await using other = await SocketAgent.connect({ relayUrl: second.url, ...options });
  await Promise.all(Array.from({ length: 200 }, (_, n) => client.send("s", "r", `w${n}`)));
  const results = await client.hasResults("s", 200);

  assert.equal(new Set(results.map(({ message }) => message.id)).size, 200);
  assert.equal(one.works.length + other.works.length, 200);
  assert.ok(one.works.length > 0 && other.works.length > 0);
});

Deno.test("work that takes three times ack_wait is delivered once", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { ACK_WAIT_SECONDS: "1" } });
  await using client = await BusClient.connect(nats.url);
  const options = { relayUrl: relay.url, session: "s", role: "r" };
  await using busy = await SocketAgent.connect(options);
  await client.send("s", "r", "long");
  const work = await busy.gets(1);
  // A second agent has free slots all the while: work that were handed out again would go there.
  await using idle = await SocketAgent.connect({ ...options, v1: true });
  await new Promise((resolve) => setTimeout(resolve, 3_200));
  busy.answer(work, { done: true });
  const [result] = await client.hasResults("s", 1);
  // The idle agent's slot is open, so this goes there, or to the other; the first does not.
  await client.send("s", "r", "next");
  await until(() => busy.works.length + idle.works.length > 1, { message: "the next work" });

  assert.deepEqual(result?.message.payload, { done: true });
  const ids = [...busy.works, ...idle.works].map(({ id }) => id);
  assert.deepEqual(ids, ["long", "next"]);
});

Deno.test("an agent killed in mid-work has its work go to another, and one result is stored", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { LEASE_GRACE_SECONDS: "0.2" } });
  await using client = await BusClient.connect(nats.url);
  const options = { relayUrl: relay.url, session: "s", role: "r" };
  await using doomed = await SocketAgent.connect({ ...options, agentId: "doomed" });
  const sequence = await client.send("s", "r", "w");
  await doomed.gets(1);
  await using heir = await SocketAgent.connect({ ...options, agentId: "heir", v1: true });
  await doomed.close();
  const work = await heir.gets(1);
  heir.answer(work, { by: "heir" });
  const results = await client.hasResults("s", 1);

  assert.equal(work.attempt, 2);
  assert.deepEqual(results.map(({ message }) => message.payload), [{ by: "heir" }]);
  assert.equal(results[0]?.work?.sequence, sequence);
  const redelivered = await client.events("s", "work.redelivered");
  const [item] = redelivered.flatMap(({ message }) => workItems(message));
  assert.deepEqual(item, { seq: sequence, id: "w", role: "r", attempt: 2, agent_id: "heir" });
  await client.hasNoWork();
});

Deno.test("a poison work item is dead after 5 attempts, with an error result", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const sequence = await client.send("s", "r", "poison", "boom");
  let attempts = 0;
  while (attempts < 5) {
    await using agent = await SocketAgent.connect({ relayUrl: relay.url, session: "s", role: "r" });
    await agent.gets(1);
    attempts++;
  }
  const [result, ...more] = await client.hasResults("s", 1);
  const [dead] = await until(async () => {
    const letters = await client.dead("s");
    return letters.length > 0 ? letters : undefined;
  }, { message: "the dead letter" });
  await until(async () => await client.waiting() === 0, { message: "the queue to be empty" });

  assert.equal(more.length, 0);
  assert.equal(result?.message.type, "error");
  assert.equal(result?.message.id, "poison");
  assert.equal(result?.message.payload.code, "max_deliver");
  assert.equal(result?.message.payload.attempts, 5);
  assert.equal(result?.work?.sequence, sequence);
  assert.equal(JSON.parse(dead?.text ?? "{}").payload.message, "boom");
  const events = await until(async () => {
    const events = await client.events("s", "work.dead");
    return events.length > 0 ? events : undefined;
  }, { message: "the event" });
  assert.equal(events.flatMap(({ message }) => workItems(message)).length, 1);
  // A healthy agent that comes now gets nothing of it.
  await using late = await SocketAgent.connect({ relayUrl: relay.url, session: "s", role: "r" });
  await client.send("s", "r", "healthy");
  assert.equal((await late.gets(1)).id, "healthy");
});

Deno.test("bad input is dead-lettered with what is wrong, and nothing stops", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, session: "s", role: "r" });
  const bad: [string | Uint8Array, RegExp][] = [
    ["not JSON", /not valid JSON/],
    ["[1]", /must be a JSON object, got an array/],
    ['{"type":"work","payload":{}}', /id must be a string, got nothing/],
    ['{"id":"","type":"work","payload":{}}', /id is empty/],
    [
      `{"id":"${"x".repeat(129)}","type":"work","payload":{}}`,
      /id is 129 characters, limit is 128/,
    ],
    ['{"id":"a","type":7,"payload":{}}', /type must be a string, got a number/],
    ['{"id":"a","type":"work","payload":[]}', /payload must be a JSON object, got an array/],
    ["[".repeat(100_000), /not valid JSON/],
    [new Uint8Array([0x7b, 0xff, 0x7d]), /not UTF-8/],
    ["", /not valid JSON/],
  ];
  for (const [data] of bad) client.publish("s", "r", data);
  await client.send("s", "r", "good");
  assert.equal((await agent.gets(1)).id, "good");
  agent.answer({ id: "good", type: "work", payload: {} });
  const results = await client.hasResults("s", bad.length + 1);
  const dead = await until(async () => {
    const letters = await client.dead("s");
    return letters.length >= bad.length ? letters : undefined;
  }, { message: `${bad.length} dead letters` });

  const errors = results.filter(({ message }) => message.type === "error");
  const bySequence = (a: { work?: { sequence: number } }, b: { work?: { sequence: number } }) =>
    (a.work?.sequence ?? 0) - (b.work?.sequence ?? 0);
  errors.sort(bySequence);
  dead.sort(bySequence);
  bad.forEach(([data, why], index) => {
    assert.equal(errors[index]?.message.payload.code, "invalid_message");
    assert.match(String(errors[index]?.message.payload.message), why);
    if (typeof data === "string") assert.equal(dead[index]?.text, data);
  });
  assert.equal(agent.works.length, 1);
});

Deno.test("work under a name that no agent can have is dead-lettered by the next relay", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  const text = '{"id":"stray","type":"work","payload":{}}';
  const answers: string[] = [];
  client.connection.nats.subscribe("sessions.größe.results.*", {
    callback: (_, msg) => void answers.push(msg.string()),
  });
  const dead: string[] = [];
  client.connection.nats.subscribe("sessions.größe.dead.*", {
    callback: (_, msg) => void dead.push(msg.string()),
  });
  client.connection.nats.publish("sessions.größe.work.r", text);
  await client.send("s", "r", "sound");
  assert.equal(await client.waiting(), 2);
  await using _relay = await startRelay({ natsUrl: nats.url });
  await until(async () => await client.waiting() === 1, { message: "the stray work to go" });

  assert.deepEqual(dead, [text]);
  const [answer] = answers.map((answer) => JSON.parse(answer));
  assert.equal(answer.id, "stray");
  assert.equal(answer.payload.message, 'session is "größe", allowed are A-Z a-z 0-9 _ -');
  assert.equal(answers.length, 1);
});

Deno.test("work published to a pattern is dead-lettered, and takes nobody's work with it", async () => {
  await using nats = await startNats();
  await using client = await BusClient.connect(nats.url);
  const dead: string[] = [];
  client.connection.subscribe("sessions.*.dead.*", (_, msg) => dead.push(msg.subject));
  for (const id of ["one", "two"]) await client.send("s", "r", id);
  const text = '{"id":"p","type":"work","payload":{}}';
  const patterns = ["sessions.*.work.r", "sessions.s.work.*", "sessions.s.work.>"];
  for (const subject of [...patterns, "sessions.ü.work.r"]) {
    client.connection.nats.publish(subject, text);
  }
  await client.send("s", "r", "three");
  await until(async () => await client.waiting() === 7, { message: "all to be stored" });
  await using relay = await startRelay({ natsUrl: nats.url });
  await until(async () => await client.waiting() === 3, { message: "the stray work to go" });
  const expected = ["sessions.%2A.dead.r", "sessions.s.dead.%2A", "sessions.s.dead.%3E"];
  assert.deepEqual(dead.sort(), [...expected, "sessions.ü.dead.r"]);
  const agent = { relayUrl: relay.url, session: "s", role: "r", concurrency: 3 };
  await using worker = await SocketAgent.connect(agent);
  await worker.gets(3);
  assert.deepEqual(worker.works.map(({ id }) => id), ["one", "two", "three"]);
});
