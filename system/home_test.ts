import assert from "node:assert/strict";
import { findHome, logPath, makeHome } from "./home.ts";
import { readState } from "./state_file.ts";
import { SystemError } from "./system_error.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-home-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the home is where OUROCODUS_HOME says", () => {
  const env = new Map([["OUROCODUS_HOME", "some/where"]]);
  assert.equal(findHome(env, "/project").folder, "/project/some/where");
  assert.equal(findHome(new Map([["OUROCODUS_HOME", " "]]), "/").folder, "/.ourocodus");
});

Deno.test("the home is that of the nearest folder upwards, else of the project's root", async () => {
  await withFolder(async (folder) => {
    const deep = `${folder}/project/a/b`;
    await Deno.mkdir(deep, { recursive: true });
    assert.equal(findHome(new Map(), deep).folder, `${deep}/.ourocodus`);
    await Deno.mkdir(`${folder}/project/.git`);
    assert.equal(findHome(new Map(), deep).folder, `${folder}/project/.ourocodus`);
    await Deno.mkdir(`${folder}/project/a/.ourocodus`);
    assert.equal(findHome(new Map(), deep).folder, `${folder}/project/a/.ourocodus`);
  });
});

Deno.test("an agent's log is not a part's, whatever it is called", () => {
  const home = findHome(new Map(), "/");
  assert.notEqual(logPath(home, "relay", "agent"), logPath(home, "relay", "part"));
});

Deno.test("a home that cannot be made is an error that names it, and the variable", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const home = findHome(new Map([["OUROCODUS_HOME", `${folder}/file/home`]]));
    assert.equal(await readState(home), undefined);
    await assert.rejects(makeHome(home), (error) => {
      assert(error instanceof SystemError);
      const named =
        `Cannot keep state and logs in ${folder}/file/home (OUROCODUS_HOME says where): `;
      return error.message.startsWith(named);
    });
  });
});

Deno.test({
  name: "another user's home is an error that says so",
  // Root may read everything.
  ignore: Deno.uid() === 0,
  fn: async () => {
    await withFolder(async (folder) => {
      const home = findHome(new Map([["OUROCODUS_HOME", `${folder}/home`]]));
      await Deno.mkdir(home.folder, { mode: 0o000 });
      await assert.rejects(readState(home), (error) => {
        assert(error instanceof SystemError);
        return error.message.startsWith(`Cannot see what runs in ${home.folder}: it is another`);
      });
      await Deno.chmod(home.folder, 0o700);
    });
  },
});
