import assert from "node:assert/strict";
import {
  BusClient,
  ROOT,
  runCli,
  runProcess,
  startNats,
  startProcess,
  until,
} from "../tests/support/mod.ts";
import { lastLogSequence } from "@ourocodus/bus";
import { outcomeSubject } from "@ourocodus/protocol";

const MAIN = [Deno.execPath(), "run", "-A", `${ROOT}/cli/main.ts`];

async function logResults(bus: BusClient, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const text = `{"id":"${n}","type":"result","payload":{}}`;
    bus.connection.nats.publish(outcomeSubject("s", "r", `${n}.1795459357920106100`), text);
  }
  await until(async () => await lastLogSequence(bus.connection) >= count);
}

Deno.test("a closed pipe ends a command quietly, also one that waits for what may never come", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  await logResults(bus, 1);
  const tail = `"$@" tail results --session s -n 5 | head -1; echo "\${PIPESTATUS[0]}"`;
  const one = await runProcess("bash", ["-c", tail, "bash", ...MAIN], {
    env: { NATS_URL: nats.url },
  });
  assert.deepEqual([one.stdout.split("\n").length, one.stderr], [3, ""]);
  assert.match(one.stdout, /\n0\n$/);
  await logResults(bus, 5_000);
  const many = `"$@" tail results --session s -n 5000 --json | head -1; echo "\${PIPESTATUS[0]}"`;
  const cut = await runProcess("bash", ["-c", many, "bash", ...MAIN], {
    env: { NATS_URL: nats.url },
  });
  assert.match(cut.stdout, /^\{.*\}\n0\n$/);
  assert.equal(cut.stderr, "");
});

Deno.test("a closed pipe stops no bulk: all of it is sent, and what was not is exit code 1", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const file = await Deno.makeTempFile();
  try {
    // Enough for the pipe to be found closed long before the end.
    await Deno.writeTextFile(file, `${'"a"\n'.repeat(30_000)}nope\n"b"\n`);
    const send = `"$@" send work --session s --role r --file ${file} | head -0`;
    const { stdout, stderr } = await runProcess(
      "bash",
      ["-c", `${send}; echo "\${PIPESTATUS[0]}"`, "bash", ...MAIN],
      { env: { NATS_URL: nats.url }, timeoutMs: 120_000 },
    );
    assert.equal(stdout, "1\n");
    assert.match(stderr, /^line 30001: not valid JSON: [^\n]*\n(! no relay is running: .*\n)?$/);
    assert.equal(await bus.waiting(), 30_001);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a full disk is one line and exit code 1, and send still tells what it has stored", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  const result = '{"id":"a","type":"result","payload":{}}';
  bus.connection.nats.publish(outcomeSubject("s", "r", "1.1795459357920106100"), result);
  await until(async () => await lastLogSequence(bus.connection) === 1);
  const send = "send work --session s --role r";
  const answered = /^✓ a was stored before: .*\n✓ result after .*\na is stored with sequence 1\n/;
  const full = "error: cannot write to stdout: No space left on device\n";
  for (
    const [words, before] of [
      ["tail results --session s", ""],
      ["status", ""],
      ["--help", ""],
      [`${send} --id a --message x --json`, "a is stored with sequence 1\n"],
      [`${send} --id b --message x`, `b is stored with sequence 2\n`],
      // Answered above: what is on standard output with --wait is the answer.
      [`${send} --id a --message x --wait`, answered],
      [
        `${send} - --json <<< '"d"'`,
        "1 stored; line 1 is the last that is stored, highest sequence 3\n",
      ],
    ] as const
  ) {
    const { code, stdout, stderr } = await runProcess(
      "bash",
      ["-c", `"$@" ${words} > /dev/full`, "bash", ...MAIN],
      { env: { NATS_URL: nats.url, OUROCODUS_HOME: "/nonexistent" } },
    );
    assert.deepEqual([code, stdout], [1, ""], words);
    const told = stderr.replace(/^! no relay is running: .*\n/m, "");
    if (typeof before === "string") assert.equal(told, before + full, words);
    else assert.match(told, new RegExp(`${before.source}${full}$`), words);
  }
});

Deno.test("Ctrl-C ends a tail with 130, SIGTERM with 143, and neither prints a word", async () => {
  await using nats = await startNats();
  await using bus = await BusClient.connect(nats.url);
  await logResults(bus, 1);
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    const [program = "", ...args] = MAIN;
    await using tail = startProcess(program, [...args, "tail", "results", "--session", "s"], {
      env: { NATS_URL: nats.url },
    });
    await tail.waitForLine("✓");
    const status = await tail.stop({ signal });
    assert.deepEqual([status.code, tail.lines.length, tail.stderr], [code, 1, ""]);
  }
});

Deno.test("exit codes reach the shell", async () => {
  await using nats = await startNats();
  const send = ["send", "work", "--session", "s", "--role", "r", "--message", "x"];
  const codes = [];
  for (
    const args of [["--help"], send, ["sned"], [...send, "--wait", "--timeout", "1ms"]]
  ) codes.push((await runCli(args, { natsUrl: nats.url })).code);
  codes.push((await runCli(send, { natsUrl: "nats://127.0.0.1:1" })).code);
  assert.deepEqual(codes, [0, 0, 2, 3, 1]);
});
