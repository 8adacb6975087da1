import assert from "node:assert/strict";
import { readStored } from "@ourocodus/bus";
import { WORK_STREAM } from "@ourocodus/protocol";
import {
  BusClient,
  type RelayProcess,
  SocketAgent,
  startNats,
  startRelay,
  type TestNats,
  until,
} from "../tests/support/mod.ts";
import { cli, MemoryOutput, start } from "./testing/memory_console.ts";

const SEND = ["send", "work", "--session", "s"];
const SEND_R = [...SEND, "--role", "r"];

async function storedMessage(bus: BusClient, sequence: number): Promise<Record<string, unknown>> {
  const stored = await readStored(bus.connection, WORK_STREAM, sequence);
  return JSON.parse(new TextDecoder().decode(stored?.data));
}

function agentOf(relay: RelayProcess, options: { readonly role?: string } = {}) {
  return SocketAgent.connect({
    relayUrl: relay.url,
    session: "s",
    role: options.role ?? "r",
    onWork: (work, agent) =>
      work.payload.fail === true
        ? agent.answer(work, { message: "no such \x1b[31mtide", code: "tide" }, "error")
        : agent.answer(work, { echo: work.payload.message }),
  });
}

Deno.test("send work stores a message, prints id, subject and sequence, and says that it waits", async () => {
  await using nats = await startNats();
  const args = [...SEND_R, "--message", "hello", "--id", "tides-1"];
  const { code, stdout, stderr } = await cli(args, { natsUrl: nats.url });
  assert.equal(code, 0);
  assert.equal(stdout, "✓ tides-1 stored: subject sessions.s.work.r, sequence 1\n");
  assert.equal(stderr, "! no relay is running: the work waits for one\n");
  await using bus = await BusClient.connect(nats.url);
  assert.deepEqual(await storedMessage(bus, 1), {
    id: "tides-1",
    type: "work",
    payload: { session_id: "s", role: "r", message: "hello" },
  });
});

Deno.test("send work with an id that was sent stores nothing and says so", async () => {
  await using nats = await startNats();
  const args = [...SEND_R, "--message", "hello", "--id", "same"];
  await cli(args, { natsUrl: nats.url });
  const again = await cli(args, { natsUrl: nats.url });
  assert.equal(again.code, 0);
  assert.match(again.stdout, /^✓ same was stored before: subject .*, sequence 1 \(same id/);
  await using bus = await BusClient.connect(nats.url);
  assert.equal(await bus.waiting(), 1);
});

Deno.test("--payload is an object that gets session and role unless it has them", async () => {
  await using nats = await startNats();
  const payload = '{"topic":"tides","role":"mine"}';
  await cli([...SEND_R, "--payload", payload], { natsUrl: nats.url });
  await using bus = await BusClient.connect(nats.url);
  const { payload: stored } = await storedMessage(bus, 1);
  assert.deepEqual(stored, { session_id: "s", role: "mine", topic: "tides" });
});

Deno.test("--message-file sends a file's text, or standard input's, as one message as it is", async () => {
  await using nats = await startNats({ config: "max_payload: 2048\n" });
  const { url: natsUrl } = nats;
  const file = await Deno.makeTempFile();
  try {
    const text = '# Größe\n\n"quoted" {message}\n';
    await Deno.writeTextFile(file, text);
    const sent = await cli([...SEND_R, "--message-file", file, "--id", "a"], { natsUrl });
    assert.match(sent.stdout, /^✓ a stored: .*, sequence 1\n$/);
    await cli([...SEND_R, "--message-file", "-"], { natsUrl, stdin: text });
    await using bus = await BusClient.connect(natsUrl);
    for (const sequence of [1, 2]) {
      const payload = { session_id: "s", role: "r", message: text };
      assert.deepEqual((await storedMessage(bus, sequence)).payload, payload);
    }
    await Deno.writeFile(file, Uint8Array.from([0x61, 0xff]));
    const latin = await cli([...SEND_R, "--message-file", file], { natsUrl });
    const shown = JSON.stringify(file);
    assert.deepEqual([latin.code, latin.stderr], [
      2,
      `error: --message-file: ${shown} is not valid UTF-8\n`,
    ]);
    await Deno.writeTextFile(file, "x".repeat(2_049));
    const large = await cli([...SEND_R, "--message-file", file], { natsUrl });
    assert.deepEqual([large.code, large.stderr], [
      1,
      `error: --message-file: ${shown} has more than 2048 bytes, which is the server's limit\n`,
    ]);
    await Deno.writeTextFile(file, "x".repeat(2_048));
    const whole = await cli([...SEND_R, "--message-file", file], { natsUrl });
    assert.equal(whole.code, 1);
    assert.match(whole.stderr, /^error: Cannot publish .* limit is 2048\. .*\n$/);
  } finally {
    await Deno.remove(file);
  }
  const missing = await cli([...SEND_R, "--message-file", "/nowhere"], { natsUrl });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^error: --message-file: cannot read "\/nowhere": No such file/);
});

Deno.test("work over the server's limit is an error with both numbers, exit code 1", async () => {
  await using nats = await startNats({ config: "max_payload: 2048\n" });
  const args = [...SEND_R, "--message", "x".repeat(3_000)];
  const { code, stdout, stderr } = await cli(args, { natsUrl: nats.url });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: Cannot publish .* is 31\d\d bytes .* limit is 2048\. .*\n$/);
});

Deno.test("without --role it goes to the session's only role; else the roles are listed", async () => {
  await using nats = await startNats();
  const args = [...SEND, "--message", "hello"];
  const nobody = await cli(args, { natsUrl: nats.url });
  assert.deepEqual([nobody.code, nobody.stderr], [
    1,
    "error: no relay answers, so the role of session s's agents is not known: give --role, or start a relay\n",
  ]);
  await using relay = await startRelay({ natsUrl: nats.url });
  const none = await cli(args, { natsUrl: nats.url });
  assert.deepEqual([none.code, none.stderr], [
    2,
    "error: no agent is connected to session s, so give --role\n",
  ]);
  await using _one = await agentOf(relay);
  const one = await cli(args, { natsUrl: nats.url });
  assert.match(one.stdout, /subject sessions\.s\.work\.r,/);
  assert.deepEqual([one.code, one.stderr], [0, ""]);
  await using _other = await agentOf(relay, { role: "editor" });
  const two = await cli(args, { natsUrl: nats.url });
  assert.deepEqual([two.code, two.stderr], [
    2,
    "error: session s has agents of several roles, so give --role: editor, r\n",
  ]);
});

Deno.test("--wait prints the result; an error result is exit code 1 and made harmless", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using _agent = await agentOf(relay);
  const good = await cli([...SEND, "--message", "hello", "--wait"], { natsUrl: nats.url });
  assert.equal(good.code, 0, good.stderr);
  assert.equal(good.stdout, '{\n  "echo": "hello"\n}\n');
  assert.match(good.stderr, /^✓ work_\w+ stored: .*\n✓ result after .*\n$/);
  const bad = await cli([...SEND, "--payload", '{"fail":true}', "--wait"], { natsUrl: nats.url });
  assert.equal(bad.code, 1);
  assert.equal(bad.stdout, "");
  assert.match(bad.stderr, /\n✗ error after .*: no such tide \(tide\)\n$/);
});

Deno.test("--wait for an id that was answered before prints the earlier result", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using agent = await agentOf(relay);
  const args = (text: string) => [...SEND, "--message", text, "--id", "x", "--wait", "--json"];
  const first = JSON.parse((await cli(args("one"), { natsUrl: nats.url })).stdout);
  const again = JSON.parse((await cli(args("one"), { natsUrl: nats.url })).stdout);
  assert.deepEqual([first.duplicate, again.duplicate], [false, true]);
  assert.equal(first.result.message.payload.echo, "one");
  assert.deepEqual(again.result, first.result);
  assert.equal(agent.works.length, 1);
});

Deno.test("an id with another message is refused, and nobody is shown the first one's result", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using agent = await agentOf(relay);
  const send = (...args: string[]) => cli([...SEND, "--id", "x", ...args], { natsUrl: nats.url });
  assert.equal((await send("-m", "one", "--wait")).code, 0);
  for (const more of [[], ["--wait"], ["--wait", "--json"]]) {
    const { code, stdout, stderr } = await send("-m", "two", ...more);
    assert.deepEqual([code, stdout, stderr], [
      1,
      "",
      'error: id "x" was used for another message a moment ago, sequence 1; nothing was stored. ' +
      "Send it with another id, or in two minutes\n",
    ]);
  }
  const lines = [
    '{"id":"y","type":"work","payload":{"message":"one"}}',
    '{"id":"y","type":"work","payload":{"message":"two"}}',
    '{"id":"y","type":"work","payload":{"message": "one"}}',
    '{"id":"x","type":"work","payload":{"message":"three"}}',
  ];
  const bulk = await cli([...SEND_R, "-", "--wait", "--json"], {
    natsUrl: nats.url,
    stdin: lines.join("\n"),
  });
  assert.equal(bulk.code, 1);
  assert.match(
    bulk.stderr,
    /^line 2: id "y" was used .* sequence 2; [^\n]*\nline 4: id "x" was .*\n$/,
  );
  const [result, counts] = bulk.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([result.line, result.message.payload.echo], [1, "one"]);
  const { stored, duplicates, failed, results } = counts;
  assert.deepEqual({ stored, duplicates, failed, results }, {
    ...{ stored: 1, duplicates: 1, failed: 2, results: 1 },
  });
  assert.equal(agent.works.length, 2);
});

Deno.test("--wait is not fooled by the result of other work with the same id", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  await using relay = await startRelay({ natsUrl: nats.url });
  // Published without Nats-Msg-Id, as any client may: the id is the same, the work is not.
  bus.publish("s", "r", '{"id":"x","type":"work","payload":{"message":"theirs"}}');
  await until(async () => await bus.waiting() === 1);
  const ours = start([...SEND_R, "--message", "ours", "--id", "x", "--wait", "--json"], {
    natsUrl: nats.url,
  });
  await until(async () => await bus.waiting() === 2);
  await using _agent = await agentOf(relay);
  assert.equal(await ours.code, 0);
  assert.equal(JSON.parse(ours.out.text).result.message.payload.echo, "ours");
});

Deno.test("--wait says after its time what is known of the work, exit code 3", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  const args = [...SEND_R, "--message", "x", "--id", "x", "--wait", "--timeout", "300ms"];
  const waiting = await cli(args, { natsUrl: nats.url });
  assert.equal(waiting.code, 3);
  assert.match(
    waiting.stderr,
    /error: no result within 300 ms: x is stored with sequence 1; it waits in the queue; no agent of role r is connected to session s\n$/,
  );
  const lazy = { relayUrl: relay.url, session: "s", role: "r", agentId: "lazy" };
  await using agent = await SocketAgent.connect(lazy);
  await agent.gets(1);
  await using bus = await BusClient.connect(nats.url);
  await until(async () => (await bus.events("s", "work.offered")).length > 0);
  const running = await cli(args, { natsUrl: nats.url });
  assert.equal(running.code, 3);
  assert.match(
    running.stderr,
    /it is running; 1 connected for it; last event: work\.offered, attempt 1, agent lazy, /,
  );
});

Deno.test("a file is sent line by line; bad lines are named, the rest is counted, exit code 1", async () => {
  await using nats = await startNats();
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '"a"\n\n{"b":1}\nnope\n{"id":"c","type":"t","payload":{}}\n7\n');
    const bad = await cli([...SEND_R, "--file", file], { natsUrl: nats.url });
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /^! 3 stored, 2 not sent in /);
    assert.match(bad.stderr, /^line 4: not valid JSON: .*\nline 6: must be a JSON object/);
  } finally {
    await Deno.remove(file);
  }
  await using bus = await BusClient.connect(nats.url);
  assert.deepEqual(await storedMessage(bus, 3), { id: "c", type: "t", payload: {} });
});

Deno.test("standard input is sent with -, the counts are JSON if asked for", async () => {
  await using nats = await startNats();
  const stdin = Array.from({ length: 3_000 }, (_, n) => `{"n":${n}}\n`).join("");
  const { code, stdout } = await cli([...SEND_R, "-", "--json"], { natsUrl: nats.url, stdin });
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), {
    stored: 3_000,
    duplicates: 0,
    failed: 0,
    unconfirmed: 0,
    last_line: 3_000,
  });
});

Deno.test("--wait with lines prints each result with its line, and waits for all", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using _agent = await agentOf(relay);
  const stdin = '"a"\n\n"b"\n{"fail":true}\n';
  const { code, stdout } = await cli([...SEND_R, "-", "--wait", "--json"], {
    natsUrl: nats.url,
    stdin,
  });
  assert.equal(code, 1);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ line }) => line), [1, 3, 4, undefined]);
  assert.deepEqual(lines[0].message.payload, { echo: "a" });
  const { stored, results, errors, missing } = lines[3];
  assert.deepEqual({ stored, results, errors, missing }, {
    stored: 3,
    results: 3,
    errors: 1,
    missing: 0,
  });
});

Deno.test("--wait with lines says how many results are missing, exit code 3", async () => {
  await using nats = await startNats();
  const { code, stderr } = await cli([...SEND_R, "-", "--wait", "--timeout", "200ms"], {
    natsUrl: nats.url,
    stdin: '"a"\n"b"\n',
  });
  assert.equal(code, 3);
  assert.match(stderr, /error: no further result within 200 ms: 2 still missing/);
});

Deno.test("interrupting a bulk says how many are stored, and that many are", async () => {
  await using nats = await startNats();
  let line = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode(`{"n":${++line}}\n`)),
  });
  const err = new MemoryOutput({ isTerminal: true });
  const sending = start([...SEND_R, "-"], { natsUrl: nats.url, stdin: endless, err });
  await until(() => /[1-9][\d,]* stored/.test(err.text), { message: "the progress bar" });
  sending.interrupt();
  assert.equal(await sending.code, 130);
  const [, stored] = /([\d,]+) stored/.exec(sending.out.text) ?? [];
  assert.match(err.text, new RegExp(`interrupted; line ${stored} is the last that is stored\n$`));
  await using bus = await BusClient.connect(nats.url);
  assert.equal(await bus.waiting(), Number(stored?.replaceAll(",", "")));
});

Deno.test("--wait ends when nobody reads results any more, with 0 only if all was sent", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  for (const [stdin, code] of [['"a"\n', 0], ['"b"\nnope\n', 1]] as const) {
    const sending = start([...SEND_R, "-", "--wait", "--timeout", "1h"], {
      natsUrl: nats.url,
      stdin,
    });
    await until(() => sending.out.text.includes("stored"));
    sending.stopReading();
    assert.equal(await sending.code, code);
    assert(!sending.err.text.includes("missing"));
  }
  const one = start([...SEND_R, "--message", "c", "--wait", "--timeout", "1h"], {
    natsUrl: nats.url,
  });
  await until(() => one.err.text.includes("stored"));
  one.stopReading();
  assert.equal(await one.code, 0);
  assert.equal(await bus.waiting(), 3);
});

Deno.test("what does not go with lines is refused before anything is sent", async () => {
  const id = await cli([...SEND_R, "-", "--id", "x"]);
  assert.equal(id.code, 2);
  assert.match(id.stderr, /^error: --id is for one work item; in lines, give whole messages/);
  await using nats: TestNats = await startNats();
  const missing = await cli([...SEND_R, "--file", "/nowhere"], { natsUrl: nats.url });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^error: --file: cannot read "\/nowhere": No such file/);
});

Deno.test("--conversation and --continue name the conversation that the work belongs to", async () => {
  await using nats = await startNats();
  const { url: natsUrl } = nats;
  await cli([...SEND_R, "-m", "1", "--id", "first"], { natsUrl });
  await cli([...SEND_R, "-m", "2", "--id", "second", "--conversation", "tides"], { natsUrl });
  await cli([...SEND_R, "-m", "3", "--continue", "first"], { natsUrl });
  await cli([...SEND, "-m", "4", "--continue", "2"], { natsUrl });
  await using bus = await BusClient.connect(natsUrl);
  const named = [];
  for (const sequence of [1, 2, 3, 4]) {
    named.push((await storedMessage(bus, sequence)).conversation);
  }
  assert.deepEqual(named, [undefined, "tides", "work-1", "tides"]);
  const unknown = await cli([...SEND_R, "-m", "5", "--continue", "nobody"], { natsUrl });
  assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
  assert.match(unknown.stderr, /^error: no work item with the id "nobody" in session s, role r: /);
  assert.equal(await bus.waiting(), 4);
  const list = await cli(["work", "list", "-s", "s"], { natsUrl });
  assert.match(list.stdout, /^SEQUENCE +STORED +ROLE +ID +CONVERSATION +STATE\n/);
  assert.match(list.stdout, /second +tides +waiting\n/);
  const trace = await cli(["trace", "second"], { natsUrl });
  assert.match(trace.stdout, /session s, role r, sequence 2, conversation tides\n/);
});

Deno.test("what cannot be a conversation, and two at once, are errors of usage", async () => {
  for (
    const [args, message] of [
      [
        ["-m", "1", "--conversation", "a b"],
        /--conversation is "a b", allowed are A-Z a-z 0-9 _ -/,
      ],
      [["-m", "1", "--conversation", "a", "--continue", "b"], /together: give one of them/],
      [["-m", "1", "--continue", ""], /^error: id is empty/],
      [["-", "--conversation", "a"], /--conversation is for one work item; in lines, give whole/],
      [["-", "--continue", "a"], /--continue is for one work item; in lines, give whole messages/],
    ] as const
  ) {
    const { code, stderr } = await cli([...SEND_R, ...args], { natsUrl: "nats://127.0.0.1:1" });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});
