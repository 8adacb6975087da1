import assert from "node:assert/strict";
import { isRunning, startProcess, until } from "../tests/support/mod.ts";
import { testMachine } from "./testing/machine.ts";

/** Starts itself once more, with the arguments after the first, and waits for that. */
const LAUNCHER = `
  await new Deno.Command(Deno.execPath(), { args: Deno.args, stdin: "null" }).spawn().status;
`;

/** Says its id, then waits for its launcher's end. */
const LAUNCHED = `
  import { watchLauncher } from ${JSON.stringify(import.meta.resolve("./launcher.ts"))};
  const waiting = setInterval(() => {}, 1000);
  watchLauncher(Deno.env.toObject(), () => {
    console.log("alone");
    clearInterval(waiting);
  });
  console.log("pid " + Deno.pid);
`;

for (const kind of ["its parent", "its parent's parent"]) {
  Deno.test(`what npx started notices the end of npx, which is ${kind}`, async () => {
    await using machine = await testMachine();
    const { folder } = machine;
    // npx is told by the name under which it runs.
    await Deno.mkdir(`${folder}/bin`);
    await Deno.symlink(Deno.execPath(), `${folder}/bin/npx`);
    await Deno.writeTextFile(`${folder}/launcher.ts`, LAUNCHER);
    await Deno.writeTextFile(`${folder}/launched.ts`, LAUNCHED);
    const between = kind === "its parent" ? [] : ["run", "-A", `${folder}/launcher.ts`];
    await using npx = startProcess(
      "npx",
      ["run", "-A", `${folder}/launcher.ts`, ...between, "run", "-A", `${folder}/launched.ts`],
      { env: { PATH: `${folder}/bin:${Deno.env.get("PATH")}`, npm_lifecycle_event: "npx" } },
    );
    const pid = Number((await npx.waitForLine(/^pid \d+/)).split(" ")[1]);
    assert.equal(await isRunning(pid), true);
    npx.send("SIGKILL");
    try {
      await until(async () => !await isRunning(pid), { message: "the end of what npx started" });
    } finally {
      if (await isRunning(pid)) Deno.kill(pid, "SIGKILL");
    }
    await npx.status;
    assert.match(npx.stdout, /^alone$/m);
  });
}
