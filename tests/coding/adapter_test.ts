/**
 * The adapter and its presets with the real coding agents and the model's double.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { systemClock } from "../../agent/clock.ts";
import {
  Adapter,
  AdapterError,
  codingEnvironment,
  type PermissionLevel,
  type Preset,
  PRESETS,
} from "../../agent/coding/acp/mod.ts";
import { markedProcesses } from "../../agent/processes/mod.ts";
import { RecordingListener } from "../../agent/testing/fake_adapter.ts";
import { startModelDouble } from "../model_double/mod.ts";
import { forEachCodingAgent, type TestCodingAgent } from "../support/coding_agents/mod.ts";
import { until } from "../support/mod.ts";

interface Scene extends AsyncDisposable {
  readonly preset: Preset;
  readonly folder: string;
  start(permissions: PermissionLevel): { readonly adapter: Adapter; readonly mark: string };
  open(
    adapter: Adapter,
    permissions: PermissionLevel,
    listener: RecordingListener,
    load?: string,
  ): ReturnType<Adapter["open"]>;
}

async function scene(agent: TestCodingAgent): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const double = stack.use(await startModelDouble());
  const home = stack.use(await agent.home(double.url));
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "ourocodus-adapter-" }));
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const preset = PRESETS[agent.name];
  assert.ok(preset);
  // A model that Codex knows: for another it has no tool that edits files.
  const codex = { CODEX_CONFIG: JSON.stringify({ model: "gpt-5.5" }) };
  const given = Object.entries(agent.name === "codex" ? { ...home.env, ...codex } : home.env);
  return {
    preset,
    folder,
    start(permissions) {
      const mark = crypto.randomUUID();
      const isRoot = Deno.uid() === 0;
      const env = codingEnvironment({ preset, permissions, inherited: {}, given, isRoot });
      const command = [agent.program, ...preset.command.slice(1)];
      const options = { preset, command, env, folder, mark, clock: systemClock };
      const adapter = Adapter.start({ ...options, startTimeoutMs: 120_000 });
      stack.defer(() => adapter.end());
      return { adapter, mark };
    },
    open(adapter, permissions, listener, load) {
      const { mode, meta } = preset.permissions[permissions];
      return adapter.open({
        listener,
        ...(mode && { mode }),
        ...(meta && { meta }),
        ...(load && { load }),
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Codex asks for a command only when its model wants it outside of the sandbox. */
function runs(agent: TestCodingAgent, command: string): string {
  if (agent.name !== "codex") return `run ${JSON.stringify(command)}`;
  const args = { cmd: command, sandbox_permissions: "require_escalated", justification: "test" };
  return `call exec_command ${JSON.stringify(args)}`;
}

forEachCodingAgent("asks about edits and commands with --permissions edits", async (agent) => {
  await using here = await scene(agent);
  const { adapter } = here.start("edits");
  const listener = new RecordingListener();
  const conversation = await here.open(adapter, "edits", listener);
  const end = await conversation.prompt(
    `SCRIPT: write a.txt "hi\\n"; edit a.txt "hi" "ho"; ${
      runs(agent, "cp a.txt b.txt")
    }; say "done {n}"`,
  );
  assert.equal(end.stopReason, "end_turn");
  assert.equal(listener.said, "done 3");
  assert.equal(listener.asked.length, 3);
  assert.equal(await Deno.readTextFile(`${here.folder}/b.txt`), "ho\n");
  listener.answer = "reject_once";
  const rejected = await conversation.prompt(`SCRIPT: ${runs(agent, "touch no.txt")}; say after`);
  const reason = agent.name === "codex" ? "cancelled" : "end_turn";
  assert.equal(rejected.stopReason, reason);
  await assert.rejects(Deno.stat(`${here.folder}/no.txt`), Deno.errors.NotFound);
});

forEachCodingAgent(
  "does all unasked with --permissions all, and ends a cancelled turn",
  async (agent) => {
    await using here = await scene(agent);
    const { adapter, mark } = here.start("all");
    const listener = new RecordingListener();
    const conversation = await here.open(adapter, "all", listener);
    const turn = conversation.prompt(
      'SCRIPT: write a.txt "hi\\n"; run "touch begun; sleep 300"; say no',
    );
    await until(() => existsSync(`${here.folder}/begun`), { message: "the command runs" });
    conversation.cancel();
    assert.equal((await turn).stopReason, "cancelled");
    assert.equal(listener.asked.length, 0);
    await adapter.end();
    assert.deepEqual(markedProcesses([mark]), []);
  },
);

forEachCodingAgent(
  "goes on in another process after kill -9, without doing again",
  async (agent) => {
    await using here = await scene(agent);
    const first = here.start("all");
    const listener = new RecordingListener();
    const before = await here.open(first.adapter, "all", listener);
    const turn = before.prompt(
      'SCRIPT: run "echo x >> runs; sleep 300"; write b.txt "b"; say "done {n}"',
    );
    const closed = assert.rejects(
      turn,
      (error) => error instanceof AdapterError && error.code === "closed",
    );
    await until(() => existsSync(`${here.folder}/runs`), { message: "the command runs" });
    Deno.kill(first.adapter.pid, "SIGKILL");
    await closed;
    await first.adapter.ended;
    assert.deepEqual(markedProcesses([first.mark]), []);
    const second = here.start("all");
    const after = await here.open(second.adapter, "all", listener, before.id);
    assert.equal((await after.prompt("You were interrupted. Go on.")).stopReason, "end_turn");
    assert.equal(await Deno.readTextFile(`${here.folder}/runs`), "x\n");
    assert.match(await Deno.readTextFile(`${here.folder}/b.txt`), /^b/);
  },
  { only: ["claude", "codex", "opencode"] },
);
