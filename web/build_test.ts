import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runProcess } from "../tests/support/processes.ts";
import { buildMonitor } from "./build.ts";

Deno.test("the monitor is bundled whatever the current folder is", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-monitor-" });
  // Another process: tests that run at the same time are in this one, and in this folder.
  const config = fileURLToPath(new URL("../deno.json", import.meta.url));
  const script = `
    import { buildMonitor } from ${JSON.stringify(import.meta.resolve("./build.ts"))};
    await buildMonitor({ folder: ${JSON.stringify(`${folder}/dist`)} });`;
  const built = await runProcess(Deno.execPath(), ["eval", "--config", config, script], {
    cwd: folder,
  });
  assert.equal(built.code, 0, built.stderr);
  const names = Array.from(Deno.readDirSync(`${folder}/dist`), ({ name }) => name).sort();
  const page = await Deno.readTextFile(`${folder}/dist/index.html`);
  await Deno.remove(folder, { recursive: true });
  assert.equal(names.length, 4, names.join(" "));
  for (const name of names.filter((name) => /\.(js|css)$/.test(name))) {
    assert.ok(page.includes(name), `index.html does not name ${name}`);
  }
});

Deno.test("several that build at the same time leave a whole monitor, and nothing else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-monitor-" });
  await Promise.all(Array.from({ length: 3 }, () => buildMonitor({ folder: `${folder}/dist` })));
  const left = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  const names = Array.from(Deno.readDirSync(`${folder}/dist`));
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual([left, names.length], [["dist"], 4]);
});
