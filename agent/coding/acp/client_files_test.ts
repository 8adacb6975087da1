import assert from "node:assert/strict";
import { placeInside, readForAgent, writeForAgent } from "./client_files.ts";

async function inFolder(test: (root: string, outside: string) => Promise<void> | void) {
  const whole = await Deno.makeTempDir({ prefix: "client-files-" });
  const root = `${whole}/tree`;
  await Deno.mkdir(`${root}/src`, { recursive: true });
  await Deno.mkdir(`${whole}/tree-other`);
  await Deno.writeTextFile(`${whole}/secret`, "secret");
  try {
    await test(root, whole);
  } finally {
    await Deno.remove(whole, { recursive: true });
  }
}

Deno.test("client files are those inside the worktree, whatever the path or a link says", async () => {
  await inFolder((root, outside) => {
    Deno.symlinkSync(outside, `${root}/up`);
    Deno.symlinkSync(`${outside}/secret`, `${root}/link`);
    Deno.symlinkSync(`${outside}/not-there`, `${root}/dangling`);
    Deno.symlinkSync(`${root}/src`, `${root}/inner`);
    const place = (path: string) => placeInside(root, path);
    assert.deepEqual(place(`${root}/a.txt`), { kind: "ok", path: `${root}/a.txt` });
    assert.deepEqual(place(`${root}/inner/b`), { kind: "ok", path: `${root}/src/b` });
    assert.deepEqual(place(`${root}/src/../c`), { kind: "ok", path: `${root}/c` });
    const refused = [
      "a.txt",
      "/etc/passwd",
      root,
      `${root}/`,
      `${root}/..`,
      `${root}/../secret`,
      `${root}-other/x`,
      `${root}/up/secret`,
      `${root}/link`,
      `${root}/dangling`,
      `${root}/src`,
      `${root}/no/such/folder`,
      `${root}/.git`,
      `${root}/.git/hooks/pre-commit`,
      `${root}/.GIT`,
      `${root}/a\0b`,
      "",
    ];
    for (const path of refused) assert.equal(place(path).kind, "outside", path);
  });
});

Deno.test("client files are written and read, also from a line on", async () => {
  await inFolder(async (root, outside) => {
    const path = `${root}/a.txt`;
    await writeForAgent(root, { sessionId: "s", path, content: "1\n2\n3\n" });
    assert.deepEqual(await readForAgent(root, { sessionId: "s", path }), { content: "1\n2\n3\n" });
    const part = await readForAgent(root, { sessionId: "s", path, line: 2, limit: 1 });
    assert.deepEqual(part, { content: "2" });
    await writeForAgent(root, { sessionId: "s", path, content: "4" });
    assert.equal(await Deno.readTextFile(path), "4");
    const out = { sessionId: "s", path: `${root}/../secret` };
    await assert.rejects(writeForAgent(root, { ...out, content: "x" }), /outside of the worktree/);
    await assert.rejects(readForAgent(root, out), /outside of the worktree/);
    await assert.rejects(readForAgent(root, { sessionId: "s", path: `${root}/no` }), /not found/);
    assert.equal(await Deno.readTextFile(`${outside}/secret`), "secret");
  });
});
