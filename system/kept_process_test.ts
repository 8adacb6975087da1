import assert from "node:assert/strict";
import { isRunning, until } from "../tests/support/mod.ts";
import { type KeeperOptions, KeptProcess } from "./kept_process.ts";
import type { ProcessSpec } from "./process_spec.ts";

interface Kept {
  readonly kept: KeptProcess;
  readonly events: readonly string[];
}

/** Keeps a shell script; it is killed in the end. */
async function keeping(
  script: string,
  options: Partial<KeeperOptions & Pick<ProcessSpec, "kind" | "stopMs">>,
  run: (kept: Kept) => Promise<void>,
): Promise<void> {
  const { kind = "part", stopMs = 10_000, ...rest } = options;
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-kept-" });
  const events: string[] = [];
  const spec = {
    ...{ name: "it", kind, rank: 0, command: "sh", args: ["-c", script], env: {}, stopMs },
    ...{ cwd: folder, log: `${folder}/it.log` },
  };
  const kept = new KeptProcess(spec, { PATH: Deno.env.get("PATH") ?? "" }, {
    backoffBaseMs: 1,
    onChange: () => {},
    onEvent: (text) => events.push(text),
    ...rest,
  });
  try {
    await kept.start();
    await run({ kept, events });
  } finally {
    await kept.stop({ now: true });
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what ends before it is ready is not started again", async () => {
  await keeping("exit 7", {}, async ({ kept, events }) => {
    await until(() => kept.view.status === "exited");
    assert.deepEqual(kept.view.exit, { code: 7, signal: null });
    assert.deepEqual(events, ["it ended with exit code 7"]);
  });
});

Deno.test("what crashes is started again, with pauses that grow", async () => {
  // With its first start it waits to be declared ready, and crashes from then on.
  const script = "[ -e ready ] && exit 1; while [ ! -e ready ]; do sleep 0.01; done; exit 1";
  await keeping(script, { backoffCapMs: 4 }, async ({ kept, events }) => {
    kept.ready();
    await Deno.writeTextFile(`${kept.spec.cwd}/ready`, "");
    await until(() => kept.view.restarts >= 4);
    const pauses = events.flatMap((text) => /again in ([\d.]+) s/.exec(text)?.[1] ?? []);
    assert.deepEqual(pauses.slice(0, 4), ["0.001", "0.002", "0.004", "0.004"]);
  });
});

Deno.test("an agent that is done, or cannot be started so, is not started again", async () => {
  for (const code of [0, 2]) {
    const script = `while [ ! -e go ]; do sleep 0.01; done; exit ${code}`;
    await keeping(script, { kind: "agent" }, async ({ kept }) => {
      kept.ready();
      await Deno.writeTextFile(`${kept.spec.cwd}/go`, "");
      await until(() => kept.view.status === "exited");
      assert.deepEqual([kept.view.exit?.code, kept.view.restarts], [code, 0]);
    });
  }
});

Deno.test("what does not end when it is asked to is killed, with what it has started", async () => {
  const script = "trap '' TERM INT; sleep 600 & echo $! >child; while :; do wait; done";
  await keeping(script, { stopMs: 1 }, async ({ kept, events }) => {
    const file = `${kept.spec.cwd}/child`;
    const child = await until(async () => Number(await Deno.readTextFile(file).catch(() => "")));
    await kept.stop();
    assert.match(events.join("\n"), /it did not end within 0\.001 s: killing it\nit stopped/);
    await until(async () => !await isRunning(child));
  });
});

Deno.test("its output and what happens to it are in its log", async () => {
  await keeping("echo out; echo err >&2; exit 3", {}, async ({ kept }) => {
    await until(() => kept.view.status === "exited");
    const log = await Deno.readTextFile(kept.spec.log);
    assert.match(log, /^out\nerr\n\S+Z \[ourocodus\] it ended with exit code 3\n$/);
  });
});

Deno.test("what cannot be started has exited", async () => {
  await keeping("true", {}, async ({ kept }) => {
    await until(() => kept.view.status === "exited");
    const spec = { ...kept.spec, cwd: `${kept.spec.cwd}/gone` };
    const events: string[] = [];
    const other = new KeptProcess(spec, {}, {
      onChange: () => {},
      onEvent: (text) => events.push(text),
    });
    await other.start();
    assert.equal(other.view.status, "exited");
    assert.match(events.join(), /it cannot be started: /);
  });
});

Deno.test("what is stopped while it is being started does not run afterwards", async () => {
  await keeping("sleep 60", {}, async ({ kept }) => {
    await kept.stop({ now: true });
    const again = new KeptProcess(kept.spec, { PATH: Deno.env.get("PATH") ?? "" }, {
      onChange: () => {},
      onEvent: () => {},
    });
    const started = again.start();
    await again.stop({ now: true });
    await started;
    const { status, identity } = again.view;
    assert.deepEqual([status, identity], ["exited", undefined]);
  });
});
