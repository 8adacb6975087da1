import assert from "node:assert/strict";
import { isRunning } from "../../tests/support/mod.ts";
import { systemClock } from "../clock.ts";
import { ToldPids } from "../testing/told_pids.ts";
import { MarkedProcess } from "./marked_process.ts";
import { readProcesses } from "./process_table.ts";
import { findProgram } from "./program_path.ts";
import { bwrapCommand, findSandbox } from "./sandbox.ts";

const PATH = Deno.env.get("PATH");
const found = await findSandbox(PATH);
const withBwrap = { ignore: found.kind === "missing" };
const DAEMON = 'echo $$ >"$PIDS/daemon"; exec sleep 600 >/dev/null 2>&1 </dev/null';

function start(
  script: string,
  pids: ToldPids,
  writable = [pids.folder],
  hidden: string[] = [],
): MarkedProcess {
  assert(found.kind === "bwrap");
  const options = { writable, hidden, env: pids.env, cwd: pids.folder };
  const [program = "", ...args] = bwrapCommand(found.program, ["sh", "-c", script], options);
  return new MarkedProcess(program, {
    args,
    env: pids.env,
    cwd: "/",
    clock: systemClock,
    hasInput: false,
  });
}

async function run(
  script: string,
  pids: ToldPids,
  writable?: string[],
  hidden?: string[],
): Promise<string> {
  const program = start(script, pids, writable, hidden);
  const [output] = await Promise.all([
    new Response(program.stdout).text(),
    program.stderr.cancel(),
    program.status,
  ]);
  await program.end(0);
  return output;
}

Deno.test(
  "a box may write where it is told, and to a /tmp of its own, nowhere else",
  withBwrap,
  async () => {
    await using pids = new ToldPids();
    const elsewhere = new URL("sandbox_test_was_here", import.meta.url).pathname;
    const write = `for file in "$PIDS/inside" /tmp/own ${elsewhere} /etc/passwd /var/new; do ` +
      'if (: >>"$file"); then echo yes; else echo no; fi; done 2>/dev/null; pwd; ls /tmp';
    const output = await run(write, pids, [pids.folder, "/not/there"]);
    const words = output.split("\n").slice(0, 6);
    assert.deepEqual(words, ["yes", "yes", "no", "no", "no", pids.folder]);
    assert.equal(await Deno.stat(`${pids.folder}/inside`).then(() => true), true);
    await assert.rejects(Deno.stat(elsewhere), Deno.errors.NotFound);
  },
);

Deno.test(
  "a box cannot read a file that is hidden, also where it may write",
  withBwrap,
  async () => {
    await using pids = new ToldPids();
    const file = `${pids.folder}/keys.env`;
    await Deno.writeTextFile(file, "KEY=secret\n");
    const link = `${pids.folder}/link.env`;
    await Deno.symlink(file, link);
    assert.equal(await run('cat "$PIDS/keys.env"', pids), "KEY=secret\n");
    const script = 'cat "$PIDS/keys.env" "$PIDS/link.env" 2>/dev/null; echo end';
    assert.equal(await run(script, pids, undefined, [link]), "end\n");
    assert.equal(await Deno.readTextFile(file), "KEY=secret\n");
  },
);

Deno.test(
  "a box sees of /tmp what program, PATH and HOME name, and no more",
  withBwrap,
  async () => {
    assert(found.kind === "bwrap");
    const folders = await Promise.all(
      ["program", "path", "home", "named", "other"].map((prefix) =>
        Deno.makeTempDir({ dir: "/tmp", prefix: `sandbox-${prefix}-` })
      ),
    );
    const [program = "", path = "", home = "", named = "", other = ""] = folders;
    await Deno.mkdir(`${program}/bin`);
    await Deno.mkdir(`${program}/lib`);
    const script = '#!/bin/sh\nfor each; do [ -e "$each" ] && echo yes || echo no; done; ' +
      'echo "$TMPDIR"; touch "$HOME/new" 2>/dev/null || echo read-only\n';
    await Deno.writeTextFile(`${program}/lib/script`, script, { mode: 0o755 });
    // As npm and pipx install: a link in the folder on PATH, the package next to it.
    await Deno.symlink("../lib/script", `${program}/bin/script`);
    await Deno.symlink(`${program}/bin/script`, `${path}/outside`);
    const command = [`${path}/outside`, path, home, named, other];
    const env = { PATH: `${path}/bin:${PATH}`, HOME: `${home}/deep` };
    const options = {
      writable: [],
      readable: [`${named}/file`, "/tmp/../etc", "/tmp"],
      env,
      cwd: "/",
    };
    const [name = "", ...args] = bwrapCommand(found.program, command, options);
    await Deno.mkdir(env.HOME);
    try {
      const { stdout } = await new Deno.Command(name, { args, env, stdout: "piped" }).output();
      const output = new TextDecoder().decode(stdout);
      assert.equal(output, "yes\nyes\nyes\nno\n/tmp\nread-only\n");
    } finally {
      await Promise.all(folders.map((folder) => Deno.remove(folder, { recursive: true })));
    }
  },
);

Deno.test("a box sees no process outside of it", withBwrap, async () => {
  await using pids = new ToldPids();
  const output = await run(`ls -d /proc/[0-9]* | wc -l; cat /proc/${Deno.pid}/environ`, pids);
  assert(Number(output) < 8, output);
});

for (
  const [what, script] of [
    ["empties environment and session", `setsid env -i PIDS="$PIDS" sh -c '${DAEMON}' & wait`],
    [
      "does so when its parent has ended",
      `(setsid env -i PIDS="$PIDS" sh -c '${DAEMON}' &) & exec sleep 600`,
    ],
  ] as const
) {
  Deno.test(`SIGKILL of a box leaves nothing of what ${what}`, withBwrap, async () => {
    await using pids = new ToldPids();
    const program = start(script, pids);
    await pids.pid("daemon");
    const inside = program.left().map(({ pid }) => pid);
    assert(inside.length >= 3, String(inside));
    Deno.kill(program.pid, "SIGKILL");
    await program.status;
    await program.end(0);
    for (const pid of inside) assert.equal(await isRunning(pid), false);
    await Promise.all([program.stdout.cancel(), program.stderr.cancel()]);
  });
}

Deno.test("what is in a box is told SIGTERM, and may clean up", withBwrap, async () => {
  await using pids = new ToldPids();
  const script =
    'trap "sleep 0.2; echo bye; exit 0" TERM; echo 0 >"$PIDS/daemon"; while :; do sleep 0.01; done';
  const program = start(script, pids);
  await pids.pid("daemon");
  await program.end(30_000);
  assert.equal(await new Response(program.stdout).text(), "bye\n");
  assert.equal((await program.status).code, 0);
  await program.stderr.cancel();
  assert.equal(readProcesses().has(program.pid), false);
});

Deno.test({
  name: "bwrap is found to work where all that is on PATH lies in /tmp",
  ignore: found.kind === "missing",
  async fn() {
    const folder = await Deno.makeTempDir({ dir: "/tmp" });
    for (const name of ["bwrap", "true"]) {
      const program = findProgram(name, { path: PATH, cwd: "/" });
      assert.equal(program.kind, "ok");
      if (program.kind === "ok") await Deno.symlink(program.path, `${folder}/${name}`);
    }
    const file = JSON.stringify(new URL("sandbox.ts", import.meta.url).href);
    const script = `const { findSandbox } = await import(${file}); ` +
      "console.log(JSON.stringify(await findSandbox(Deno.env.get('PATH'))));";
    // In a process of its own, since this one's PATH has more.
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", script],
      env: { PATH: folder },
    }).output();
    const said = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(said, { kind: "bwrap", program: `${folder}/bwrap` });
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("a machine without bwrap is told what to do", async () => {
  const folder = await Deno.makeTempDir();
  const reason = async () => {
    const sandbox = await findSandbox(folder);
    return sandbox.kind === "missing" ? sandbox.reason : "";
  };
  assert.equal(await reason(), '"bwrap" is not on PATH; to go on: sudo apt install bubblewrap');
  const script = "#!/bin/sh\necho one >&2\necho 'bwrap: No permissions' >&2\nexit 1\n";
  await Deno.writeTextFile(`${folder}/bwrap`, script, { mode: 0o755 });
  const says = new RegExp(
    `^${folder}/bwrap does not work here: bwrap: No permissions; to go on: (sudo|--)`,
  );
  assert.match(await reason(), says);
  await Deno.writeTextFile(`${folder}/bwrap`, "#!/bin/sh\nexit 3\n");
  assert.match(await reason(), /it ended with exit code 3/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a trial of bwrap has no variables of this program", async () => {
  const folder = await Deno.makeTempDir();
  Deno.env.set("OUROCODUS_TEST_KEY", "very-secret");
  try {
    const script = `#!/bin/sh\nenv >${folder}/env.txt\n`;
    await Deno.writeTextFile(`${folder}/bwrap`, script, { mode: 0o755 });
    assert.equal((await findSandbox(folder)).kind, "bwrap");
    const env = await Deno.readTextFile(`${folder}/env.txt`);
    assert.match(env, /^PATH=/m);
    assert.ok(!env.includes("very-secret"), env);
  } finally {
    Deno.env.delete("OUROCODUS_TEST_KEY");
    await Deno.remove(folder, { recursive: true });
  }
});
