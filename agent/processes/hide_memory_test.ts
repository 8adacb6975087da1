import assert from "node:assert/strict";
import { ROOT } from "../../tests/support/mod.ts";
import { hideMemory } from "./hide_memory.ts";

/** Another user than root, who may read everything. */
const NOBODY = 65_534;
const isRootOnLinux = Deno.build.os === "linux" && Deno.uid() === 0;

/** Has a program that may hide look at itself from a process that it starts. */
async function seen(isHidden: boolean): Promise<string> {
  // Not in the folder of the tests, which nobody else may enter.
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "ourocodus-hidden-" });
  try {
    const script = `${folder}/look.ts`;
    await Deno.copyFile(`${ROOT}/agent/processes/hide_memory.ts`, `${folder}/hide_memory.ts`);
    await Deno.writeTextFile(
      script,
      `import { hideMemory } from "./hide_memory.ts";
      if (${isHidden}) console.log(hideMemory());
      const cat = new Deno.Command("cat", { args: ["/proc/" + Deno.pid + "/environ"] });
      const own = new Deno.Command("cat", { args: ["/proc/self/environ"] });
      for (const command of [cat, own]) {
        const { stdout } = await command.output();
        console.log(new TextDecoder().decode(stdout).includes("very-secret"));
      }`,
    );
    await Deno.mkdir(`${folder}/deno`);
    await Deno.chmod(`${folder}/deno`, 0o777);
    for (const path of [folder, script, `${folder}/hide_memory.ts`]) await Deno.chmod(path, 0o755);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-check", script],
      env: { KEY: "very-secret", DENO_DIR: `${folder}/deno`, HOME: "/tmp" },
      uid: NOBODY,
      stderr: "inherit",
    }).output();
    return new TextDecoder().decode(stdout).trim().split("\n").join(" ");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "a program that hides shows its environment to no other of its user, but to what it starts",
  ignore: !isRootOnLinux,
  async fn() {
    assert.equal(await seen(false), "true true");
    assert.equal(await seen(true), "true false true");
  },
});

Deno.test({
  name: "a program that may not call the C library cannot hide, and is told so",
  permissions: { ffi: false },
  fn() {
    assert.equal(hideMemory(), false);
  },
});
