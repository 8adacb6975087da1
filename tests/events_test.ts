/**
 * The event stream of the API, before a real system, cut at any place.
 */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type Connection, ensureStreams, lastLogSequence, readLog } from "@ourocodus/bus";
import { sendAllWork } from "@ourocodus/ops";
import { ALL_LOG_SUBJECTS, eventsSubject, outcomeSubjects } from "@ourocodus/protocol";
import {
  readEvents,
  startApi,
  startEchoAgent,
  startNats,
  startRelay,
  type StreamedEvent,
  until,
} from "./support/mod.ts";

const WORK = { session: "s", role: "r" };

async function send(connection: Connection, count: number): Promise<void> {
  const works = Array.from({ length: count }, (_, n) => ({ ...WORK, id: `w${n}`, payload: { n } }));
  const { stored } = await sendAllWork(connection, works);
  assert.equal(stored, count);
}

/** Sequences of all that the log has of these kinds. */
async function logged(connection: Connection, kinds: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for await (const { kind, sequence } of readLog(connection, ALL_LOG_SUBJECTS)) {
    if (kinds.includes(kind)) found.push(sequence);
  }
  return found;
}

function ids(events: readonly StreamedEvent[]): number[] {
  return events.flatMap(({ id }) => id ?? []);
}

const STREAMS = [
  // Of work, events are lists: there are far fewer of them.
  { what: "events", query: "", kinds: ["events"], most: 5 },
  {
    what: "events, work, results and dead letters",
    query: "include=work,results,dead",
    kinds: ["events", "stored", "results", "dead"],
    most: 40,
  },
];

for (const { what, query, kinds, most } of STREAMS) {
  Deno.test(`${what} of 1,000 work items come once and in order, over ten cuts and a killed API`, async () => {
    await using nats = await startNats();
    await using relay = await startRelay({ natsUrl: nats.url });
    await using connection = await connect({ url: nats.url });
    let api = await startApi({ natsUrl: nats.url });
    const { port } = api;
    try {
      await using _agents = startEchoAgent({
        ...{ relayUrl: relay.url, ...WORK, env: { CONCURRENCY: "8" } },
      });
      const begin = await lastLogSequence(connection);
      const sending = send(connection, 1_000);
      const seen: StreamedEvent[] = [];
      let last = begin;
      for (let cut = 1; cut <= 10; cut++) {
        let wanted = 1 + Math.floor(Math.random() * most);
        if (cut === 5) {
          await api.kill();
          api = await startApi({ natsUrl: nats.url, port });
        }
        const part = await readEvents(`${api.url}/api/events?${query}`, {
          lastEventId: last,
          until: ({ id }) => id !== undefined && --wanted === 0,
        });
        seen.push(...part);
        last = ids(part).at(-1) ?? last;
      }
      await sending;
      const results = async () =>
        (await Array.fromAsync(
          readLog(connection, outcomeSubjects("s", "r"), { headersOnly: true }),
        ))
          .length;
      await until(async () => await results() === 1_000, { message: "all results" });
      const expected = (await logged(connection, kinds)).filter((sequence) => sequence > begin);
      const end = expected.at(-1);
      seen.push(
        ...await readEvents(`${api.url}/api/events?${query}`, {
          lastEventId: last,
          until: ({ id }) => id === end,
        }),
      );
      assert.deepEqual(ids(seen), expected);
      assert.deepEqual(seen.filter(({ name }) => ["gap", "reset", "slow"].includes(name)), []);
    } finally {
      await api[Symbol.asyncDispose]();
    }
  });
}

Deno.test("curl -N shows events as they come, with their sequence as id", async () => {
  await using nats = await startNats();
  await using api = await startApi({ natsUrl: nats.url });
  await using connection = await connect({ url: nats.url });
  const curl = new Deno.Command("curl", {
    args: ["-sN", `${api.url}/api/events?session=s`],
    stdout: "piped",
  }).spawn();
  let text = "";
  const reading = (async () => {
    for await (const part of curl.stdout.pipeThrough(new TextDecoderStream())) text += part;
  })();
  await until(() => text.includes('event: status\ndata: {"nats":"connected"}'));
  const event = { id: "1", type: "test", payload: { text: "a\nb" } };
  connection.nats.publish(eventsSubject("other"), JSON.stringify(event));
  connection.nats.publish(eventsSubject("s"), JSON.stringify(event, undefined, 2));
  await until(() => text.includes("id: 2\n"));
  const [, data = ""] = /id: 2\ndata: (.*)\n\n/.exec(text) ?? [];
  const { payload, session_id, kind, sequence } = JSON.parse(data);
  assert.deepEqual([payload.text, session_id, kind, sequence], ["a\nb", "s", "event", 2]);
  assert.ok(!text.includes("id: 1\n"), "another session's is left out");
  curl.kill("SIGTERM");
  await curl.status;
  await reading;
  await until(async () => (await (await fetch(`${api.url}/health`)).json()).event_clients === 0, {
    message: "the client that went away to be forgotten",
  });
});

Deno.test("filters let through what they name, and since begins where it says", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await using api = await startApi({ natsUrl: nats.url });
  const publish = (session: string, type: string, payload: object) =>
    connection.nats.publish(eventsSubject(session), JSON.stringify({ id: "1", type, payload }));
  publish("a", "agent.connected", { role: "r" });
  publish("a", "work.offered", {
    work: [{ seq: 1, id: "1", role: "r" }, { seq: 2, id: "2", role: "q" }],
  });
  publish("b", "agent.connected", { role: "q" });
  publish("c", "end", {});
  await until(async () => await lastLogSequence(connection) === 4);
  const seen = async (query: string, count: number) => {
    let left = count;
    const url = `${api.url}/api/events?${query}`;
    return ids(await readEvents(url, { until: ({ id }) => id !== undefined && --left === 0 }));
  };
  assert.deepEqual(await seen("since=0", 4), [1, 2, 3, 4]);
  assert.deepEqual(await seen("since=2", 2), [3, 4]);
  assert.deepEqual(await seen("since=10m&session=a,c", 3), [1, 2, 4]);
  assert.deepEqual(await seen("since=0&role=q", 2), [2, 3]);
  assert.deepEqual(await seen("since=0&type=end,work.offered", 2), [2, 4]);
  assert.deepEqual(
    await seen(`since=${new Date(Date.now() - 60_000).toISOString()}&session=b`, 1),
    [3],
  );
});

Deno.test("what is no longer kept is told as a gap, and a log made anew as a reset", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection, { logMaxBytes: 20_000 });
  await using api = await startApi({ natsUrl: nats.url });
  const publish = () =>
    connection.nats.publish(
      eventsSubject("s"),
      JSON.stringify({ id: "1", type: "test", payload: { text: "x".repeat(500) } }),
    );
  for (let number = 0; number < 100; number++) publish();
  await until(async () => await lastLogSequence(connection) === 100);
  await api.kill();
  await using again = await startApi({ natsUrl: nats.url });
  const events = await readEvents(`${again.url}/api/events`, {
    lastEventId: 5,
    until: ({ id }) => id === 100,
  });
  const gap = events.find(({ name }) => name === "gap");
  assert.equal(gap?.data.from, 6);
  assert.deepEqual(ids(events)[0], gap?.data.to + 1);

  const following = readEvents(`${again.url}/api/events`, {
    lastEventId: 100,
    until: ({ id }) => id === 1,
  });
  const manager = await jetstreamManager(connection.nats);
  await manager.streams.delete("OUROCODUS_LOG");
  await ensureStreams(connection);
  publish();
  const isReset = ({ name }: StreamedEvent) => name === "reset";
  assert.ok((await following).some(isReset));

  const ahead = await readEvents(`${again.url}/api/events`, {
    lastEventId: 1_000_000,
    until: ({ id }) => id === 1,
  });
  assert.equal(ahead.findIndex(isReset), ahead.length - 2, "told before what the log has");
});

Deno.test("a client that does not read is cut and told so; another one misses nothing", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await using api = await startApi({ natsUrl: nats.url });
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: api.port });
  const request = `GET /api/events?since=0 HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\n\r\n`;
  await socket.write(new TextEncoder().encode(request));
  const count = 400;
  const other = readEvents(`${api.url}/api/events?since=0`, { until: ({ id }) => id === count });
  const text = "x".repeat(200_000);
  for (let number = 1; number <= count; number++) {
    connection.nats.publish(
      eventsSubject("s"),
      JSON.stringify({ id: `${number}`, type: "test", payload: { text } }),
    );
    await connection.nats.flush();
  }
  assert.deepEqual(ids(await other), Array.from({ length: count }, (_, n) => n + 1));
  const metric = async () =>
    /^ourocodus_api_event_clients_cut_total (\d+)/m.exec(
      await (await fetch(`${api.url}/metrics`)).text(),
    )?.[1];
  await until(async () => await metric() === "1", { timeoutMs: 60_000, message: "it to be cut" });
  // What it reads at last ends with the reason.
  let read = "";
  for await (const part of socket.readable.pipeThrough(new TextDecoderStream())) {
    read = (read + part).slice(-1_000);
    if (read.includes("event: slow")) break;
  }
  assert.match(read, /event: slow\ndata: \{"last_event_id":\d+,"reason":"[^"]+"\}/);
});
