import assert from "node:assert/strict";
import { buildMonitor } from "./build.ts";

Deno.test("the monitor is bundled whatever the current folder is", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-monitor-" });
  const before = Deno.cwd();
  try {
    Deno.chdir(folder);
    await buildMonitor({ folder: `${folder}/dist` });
  } finally {
    Deno.chdir(before);
  }
  const names = Array.from(Deno.readDirSync(`${folder}/dist`), ({ name }) => name).sort();
  const page = await Deno.readTextFile(`${folder}/dist/index.html`);
  await Deno.remove(folder, { recursive: true });
  assert.equal(names.length, 4, names.join(" "));
  for (const name of names.filter((name) => /\.(js|css)$/.test(name))) {
    assert.ok(page.includes(name), `index.html does not name ${name}`);
  }
});
