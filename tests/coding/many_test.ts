/** Much work at once on one repository. */
import assert from "node:assert/strict";
import { codingAgentsHere, forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { CodingSystem } from "./support/coding_system.ts";

const AGENTS = 4;
const WORKS = 20;

// Whichever are installed share the work.
forEachCodingAgent(
  "and others do 20 work items at once with 4 agents on one repository",
  async () => {
    await using system = await CodingSystem.start();
    const { repository } = system;
    const base = await repository.head();
    const here = codingAgentsHere();
    const programs = [];
    for (let n = 0; n < AGENTS; n++) {
      const agent = here[n % here.length];
      if (agent !== undefined) programs.push(await system.startAgent(agent));
    }
    const sequences = [];
    for (let n = 1; n <= WORKS; n++) {
      const script = `SCRIPT: write file-${n}.txt "text ${n}\\n"; run "true"; say "done ${n}"`;
      sequences.push(await system.send(script));
    }
    const outcomes = await Promise.all(sequences.map((sequence) => system.outcome(sequence)));

    for (const [index, { type, payload, sequence }] of outcomes.entries()) {
      const n = index + 1;
      assert.equal(type, "result", JSON.stringify(payload));
      assert.equal(payload.text, `done ${n}`);
      assert.equal(payload.attempt, 1);
      assert.equal(payload.branch, `ourocodus/s/r/${sequence}`);
      assert.equal(await repository.show(payload.branch, `file-${n}.txt`), `text ${n}\n`);
      assert.deepEqual(payload.files.map(({ path }: { path: string }) => path), [`file-${n}.txt`]);
      assert.equal((await repository.git("rev-parse", `${payload.commit}^`)).trim(), base);
    }
    assert.equal(new Set(outcomes.map(({ payload }) => payload.branch)).size, WORKS);
    assert.equal((await repository.branches()).length, WORKS + 1);
    assert.equal(await repository.status(), "");
    assert.equal(await repository.head(), base);
    await repository.git("fsck", "--no-dangling");
    for (const { stdout, stderr } of programs) {
      assert.doesNotMatch(stdout + stderr, /\.lock|could not lock|unable to create/i);
    }
  },
  { only: ["claude"] },
);
