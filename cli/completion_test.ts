import assert from "node:assert/strict";
import { runProcess } from "../tests/support/mod.ts";
import { cli } from "./testing/memory_console.ts";

/** What bash offers after these words, the last of which is still being typed. */
async function bashOffers(...words: string[]): Promise<string[]> {
  const { stdout: script } = await cli(["completion", "bash"]);
  const ask = `${script}
COMP_WORDS=(ourocodus "$@"); COMP_CWORD=$#; _ourocodus; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await runProcess("bash", ["--norc", "-c", ask, "bash", ...words]);
  return stdout.split("\n").filter((line) => line !== "");
}

Deno.test("bash completes commands, subcommands, arguments and flags", async () => {
  assert.deepEqual(await bashOffers("s"), ["start", "stop", "status", "send"]);
  assert.deepEqual(await bashOffers(""), [
    ...["start", "stop", "status", "logs", "agent", "send", "tail", "result", "trace", "work"],
    ...["questions", "worktree"],
    ...["dead", "token", "completion", "help"],
  ]);
  assert.deepEqual(await bashOffers("tail", ""), ["results", "events", "help"]);
  assert.deepEqual(await bashOffers("tail", "results", "--s"), ["--session", "--since"]);
  assert.deepEqual(await bashOffers("send", "work", "--session", "tail", "--ro"), ["--role"]);
  assert.deepEqual(await bashOffers("completion", ""), ["bash", "zsh", "fish"]);
});

Deno.test("the short forms are known, with their values", async () => {
  const short = await bashOffers("send", "work", "-");
  for (const flag of ["-s", "-r", "-m", "-w"]) assert(short.includes(flag), flag);
  assert.deepEqual(await bashOffers("send", "work", "-s", ""), []);
  assert.deepEqual(await bashOffers("send", "work", "-s", "tail", "-r", "x", "--wa"), ["--wait"]);
  const { stdout: fish } = await cli(["completion", "fish"]);
  assert.match(fish, /send work.* -l session -s s -x /);
});

Deno.test("bash completes files where a file is wanted, and nothing for other values", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/two words.jsonl`, "");
    const offers = await bashOffers("send", "work", "--file", `${folder}/tw`);
    assert.deepEqual(offers, [`${folder}/two words.jsonl`]);
    const message = await bashOffers("send", "work", "--message-file", `${folder}/tw`);
    assert.deepEqual(message, offers);
    assert.deepEqual(await bashOffers("send", "work", "--session", ""), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every script names every command and flag", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await cli(["completion", shell]);
    for (const word of ["send", "work", "tail", "results", "events", "no-follow", "payload"]) {
      assert(stdout.includes(word), `${word} is missing for ${shell}`);
    }
  }
});
