import assert from "node:assert/strict";
import { HeldClock, startFake } from "../../testing/fake_adapter.ts";
import { markedProcesses } from "../../processes/mod.ts";
import { Adapter } from "./adapter.ts";
import { AdapterError, CannotLoad } from "./errors.ts";
import { acpPreset, PRESETS } from "./presets.ts";
import { systemClock } from "../../clock.ts";

const codeIs = (code: string, pattern?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AdapterError, String(error));
  assert.equal(error.code, code, error.message);
  if (pattern !== undefined) assert.match(error.message, pattern);
  return true;
};

Deno.test("adapter says who the agent is, opens a session and sets its mode", async () => {
  await using fake = startFake({ flags: ["--auth"] });
  const { name, version, loads, authMethods } = await fake.adapter.ready();
  assert.deepEqual([name, version, loads], ["fake-acp-agent", "1.0.0", true]);
  assert.deepEqual(authMethods, [{ id: "login", name: "Log in" }]);
  const { listener } = fake;
  const conversation = await fake.adapter.open({ listener, mode: "acceptEdits" });
  assert.deepEqual(conversation.modes.available, ["default", "acceptEdits", "bypassPermissions"]);
  const end = await conversation.prompt("FAKE: cwd; tokens 5 6 7");
  assert.equal(end.stopReason, "end_turn");
  assert.deepEqual(end.usage, {
    inputTokens: 5,
    outputTokens: 6,
    cachedReadTokens: 7,
    totalTokens: 18,
  });
  assert.equal(listener.said, fake.folder);
});

Deno.test("adapter ends an agent that never answers initialize, and says what it said", async () => {
  const clock = new HeldClock(30_000);
  await using fake = startFake({
    clock,
    flags: ["--hang", "initialize", "--stderr", "I wait for a keyring"],
  });
  while (!fake.adapter.stderrTail.includes("keyring")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  clock.run();
  await assert.rejects(
    fake.adapter.ready(),
    codeIs("no_answer", /did not answer initialize within 30000 ms; it said: I wait for a keyring/),
  );
  await fake.adapter.ended;
  assert.deepEqual(markedProcesses([fake.mark]), []);
});

for (const [phase, method] of [["new", "session/new"], ["mode", "session/set_mode"]] as const) {
  Deno.test(`adapter ends an agent that never answers ${method}`, async () => {
    const clock = new HeldClock(30_000);
    await using fake = startFake({ clock, flags: ["--hang", phase] });
    await fake.adapter.ready();
    const opened = fake.adapter.open({ listener: fake.listener, mode: "default" });
    const rejected = assert.rejects(opened, codeIs("no_answer"));
    while (clock.held === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    clock.run();
    await rejected;
  });
}

for (const phase of ["initialize", "new", "load", "mode"]) {
  Deno.test(`adapter says closed when the agent ends in ${phase}`, async () => {
    await using fake = startFake({ flags: ["--die", phase, "--stderr", "out of memory"] });
    const load = phase === "load" ? { load: "some-session" } : {};
    await assert.rejects(
      fake.adapter.open({ listener: fake.listener, mode: "default", ...load }),
      codeIs("closed", /^Fake ended \(exit code 1\) .*out of memory/),
    );
    await fake.adapter.ended;
  });
}

Deno.test("adapter says closed when the agent is killed in a turn, and leaves nothing running", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  await assert.rejects(
    conversation.prompt('FAKE: orphan "exec sleep 1000"; die SIGKILL'),
    codeIs("closed", /^Fake ended \(SIGKILL\) in a conversation$/),
  );
  await assert.rejects(conversation.prompt("again"), codeIs("closed"));
  await fake.adapter.ended;
  assert.deepEqual(markedProcesses([fake.mark]), []);
});

Deno.test("adapter says closed when the agent closes its output and lives on", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  await assert.rejects(
    conversation.prompt("FAKE: close"),
    codeIs("closed", /closed its output in a conversation/),
  );
});

Deno.test("adapter says closed when an orphan holds the output of an agent open that has ended", async () => {
  const command = ["/bin/sh", "-c", "sleep 1000 & exit 3"];
  const adapter = Adapter.start({
    preset: acpPreset(command),
    command,
    env: { PATH: Deno.env.get("PATH") ?? "" },
    folder: "/",
    mark: crypto.randomUUID(),
    clock: systemClock,
  });
  await assert.rejects(adapter.ready(), codeIs("closed", /exit code 3/));
  await adapter.ended;
});

Deno.test("adapter says that a program cannot be started", () => {
  const command = ["/nonexistent/agent"];
  const options = {
    preset: acpPreset(command),
    command,
    env: {},
    folder: "/",
    mark: "m",
    clock: systemClock,
  };
  assert.throws(() => Adapter.start(options), codeIs("start_failed", /agent cannot be started/));
});

Deno.test("adapter refuses another program of the same command, and says what to install", async () => {
  const { agentName, install } = PRESETS.codex ?? {};
  const presetChanges = { agentName, install, command: ["codex-acp"] };
  const flags = ["--name", "codex-acp", "--version", "0.16.0"];
  await using fake = startFake({ flags, presetChanges });
  await assert.rejects(
    fake.adapter.ready(),
    codeIs(
      "start_failed",
      /is "codex-acp" 0\.16\.0.*npm install -g @agentclientprotocol\/codex-acp$/,
    ),
  );
});

Deno.test("adapter refuses another version of the protocol", async () => {
  await using fake = startFake({ flags: ["--protocol", "2"] });
  await assert.rejects(fake.adapter.ready(), codeIs("start_failed", /version 2 of ACP, not 1/));
});

Deno.test("adapter says what was answered to initialize, session/new and a prompt", async () => {
  await using refusing = startFake({ flags: ["--fail", "initialize=-32603"] });
  await assert.rejects(refusing.adapter.ready(), codeIs("start_failed", /fake initialize failed/));
  await using locked = startFake({ flags: ["--fail", "new=-32000"] });
  const { listener } = locked;
  await assert.rejects(locked.adapter.open({ listener }), codeIs("auth_required", /not logged in/));
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener });
  await assert.rejects(
    conversation.prompt('FAKE: error -32603 "Internal error" {"details":"disk full"}'),
    codeIs("request_failed", /session\/prompt with error -32603: Internal error: disk full/),
  );
  await assert.rejects(conversation.prompt("FAKE: error -32000 login"), codeIs("auth_required"));
  assert.equal((await conversation.prompt("FAKE: say fine")).stopReason, "end_turn");
});

Deno.test("adapter names the modes that are offered when the wanted one is not", async () => {
  await using fake = startFake({ flags: ["--modes", "ask,plan"] });
  const { listener } = fake;
  await assert.rejects(
    fake.adapter.open({ listener, mode: "yolo" }),
    codeIs("no_mode", /^Fake does not offer the mode "yolo", only ask, plan$/),
  );
  const conversation = await fake.adapter.open({ listener, mode: "plan" });
  assert.equal((await conversation.prompt("FAKE: say hi")).stopReason, "end_turn");
});

for (const late of [[], ["--late-replay"]]) {
  Deno.test(`adapter loads a session after a crash, and tells nothing of what it replays ${late}`, async () => {
    await using first = startFake();
    const before = await first.adapter.open({ listener: first.listener });
    const crash = before.prompt('FAKE: run "echo x >> runs"; say one; die SIGKILL; say two');
    await assert.rejects(crash, codeIs("closed"));
    const { home, folder } = first;
    await using second = startFake({ home, folder, flags: late });
    const { listener } = second;
    const after = await second.adapter.open({ listener, load: before.id, mode: "acceptEdits" });
    assert.equal(after.id, before.id);
    assert.deepEqual(listener.updates, []);
    assert.equal((await after.prompt("You were interrupted")).stopReason, "end_turn");
    if (late.length === 0) assert.equal(listener.said, "two");
    assert.equal(await Deno.readTextFile(`${folder}/runs`), "x\n");
  });
}

Deno.test("adapter says that it cannot load, and opens a new session instead", async () => {
  await using fake = startFake();
  const { listener } = fake;
  await assert.rejects(fake.adapter.open({ listener, load: "unknown" }), CannotLoad);
  const conversation = await fake.adapter.open({ listener });
  assert.equal((await conversation.prompt("FAKE: say hi")).stopReason, "end_turn");
  await using other = startFake({ flags: ["--no-load"] });
  await assert.rejects(other.adapter.open({ listener, load: "x" }), CannotLoad);
  await using gemini = startFake({ presetChanges: { loads: false } });
  await assert.rejects(gemini.adapter.open({ listener, load: "x" }), CannotLoad);
});

Deno.test("adapter leaves out what is no message, and tells somebody", async () => {
  const noise: string[] = [];
  const flags = ["--start-garbage", "Welcome!", "--start-garbage", "{ not: json }"];
  await using fake = startFake({ flags, onNoise: (text) => noise.push(text) });
  const conversation = await fake.adapter.open({ listener: fake.listener });
  await conversation.prompt('FAKE: garbage "[1]"; garbage "null"; say hi');
  assert.equal(fake.listener.said, "hi");
  assert.deepEqual(noise, ["Welcome!", "{ not: json }", "[1]", "null"]);
});

Deno.test("adapter ends an agent that writes an endless line", async () => {
  await using fake = startFake({ maxLineBytes: 4_000_000 });
  const conversation = await fake.adapter.open({ listener: fake.listener });
  await assert.rejects(
    conversation.prompt("FAKE: huge 50000000; say hi"),
    codeIs("line_too_long", /longer than 4000000 bytes/),
  );
});

Deno.test("adapter takes a long line that is within its limit", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  assert.equal((await conversation.prompt("FAKE: huge 9000000; say hi")).stopReason, "end_turn");
  assert.equal(fake.listener.said, "hi");
});

Deno.test("adapter answers unknown requests at once, and ignores unknown notifications and updates", async () => {
  await using fake = startFake();
  const { listener } = fake;
  const conversation = await fake.adapter.open({ listener });
  await conversation.prompt(
    'FAKE: notify craft/hello {"a":1}; update {"sessionUpdate":"tool_call"}; ' +
      'update {"sessionUpdate":"brand_new","x":1}; notify session/update {"update":3}; ' +
      "request craft/drainMidTurnQueue {}; request terminal/create {}",
  );
  assert.match(listener.said, /-32601 .*craft\/drainMidTurnQueue.*-32601 .*terminal\/create/);
  const kinds = listener.updates.map(({ sessionUpdate }) => sessionUpdate);
  assert.deepEqual(kinds, ["brand_new", "agent_message_chunk", "agent_message_chunk"]);
});

Deno.test("adapter writes and reads files for an agent inside its folder only, where its preset says so", async () => {
  await using fake = startFake();
  const { listener, folder } = fake;
  const conversation = await fake.adapter.open({ listener });
  await conversation.prompt(
    "FAKE: fswrite new.txt hello; fsread new.txt; fswrite ../out.txt x; fswrite =/etc/out.txt x",
  );
  assert.equal(await Deno.readTextFile(`${folder}/new.txt`), "hello");
  const status = listener.updates.flatMap((update) =>
    update.sessionUpdate === "tool_call_update" && update.status !== "in_progress"
      ? [update.status]
      : []
  );
  assert.deepEqual(status, ["completed", "completed", "failed", "failed"]);
  await assert.rejects(Deno.stat(`${folder}/../out.txt`), Deno.errors.NotFound);
  await using other = startFake({ presetChanges: { writesThroughClient: false } });
  const strict = await other.adapter.open({ listener: other.listener });
  await strict.prompt('FAKE: request fs/write_text_file {"path":"/tmp/x","content":""}');
  assert.match(other.listener.said, /-32601/);
});

Deno.test("adapter writes no file that its listener does not allow", async () => {
  await using fake = startFake();
  const asked: string[] = [];
  const listener = Object.assign(fake.listener, {
    file: (access: string, path: string) => asked.push(`${access} ${path}`) === 0,
  });
  const conversation = await fake.adapter.open({ listener });
  await conversation.prompt("FAKE: fswrite a.txt hello");
  assert.deepEqual(asked, [`write ${fake.folder}/a.txt`]);
  await assert.rejects(Deno.stat(`${fake.folder}/a.txt`), Deno.errors.NotFound);
});

Deno.test("adapter rejects what waits when it is ended", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  const turn = assert.rejects(conversation.prompt("FAKE: say hi; deaf"), codeIs("closed"));
  await fake.listener.until(({ said }) => said === "hi");
  await fake.adapter.end();
  await turn;
  await assert.rejects(fake.adapter.open({ listener: fake.listener }), codeIs("closed"));
  assert.deepEqual(markedProcesses([fake.mark]), []);
});
