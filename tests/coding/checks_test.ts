/** A check decides whether work is done, and a schema whether an answer is. */
import assert from "node:assert/strict";
import { forEachCodingAgent } from "../support/coding_agents/mod.ts";
import { CodingSystem } from "./support/coding_system.ts";

/** Passes if there is a file; else its output says, in the double's language, how to go on. */
const CHECK = `echo "looking for fixed.txt"
test -f fixed.txt && exit 0
echo 'SCRIPT: write fixed.txt yes; say "fixed it"'
exit 3
`;

forEachCodingAgent(
  "tries again after a check that failed, in the same conversation",
  async (agent) => {
    await using system = await CodingSystem.start({ files: { "check.sh": CHECK } });
    await system.startAgent(agent, { flags: ["--permissions", "all", "--check", "sh check.sh"] });
    const { type, payload } = await system.work('SCRIPT: write a.txt "a\\n"; say "done"');
    assert.equal(type, "result", JSON.stringify(payload));
    assert.equal(payload.text, "fixed it", JSON.stringify(payload));
    assert.equal(payload.check.command, "sh check.sh");
    assert.equal(payload.check.exit_code, 0);
    assert.equal(payload.check.turns, 1);
    assert.ok(payload.check.duration_ms >= 0);
    const { repository } = system;
    assert.equal((await repository.show(payload.branch, "fixed.txt")).trim(), "yes");
    assert.equal(await repository.show(payload.branch, "a.txt"), "a\n");
    // The second turn knew of the first.
    const last = system.double.requests().findLast(({ step }) => step === "say fixed it");
    assert.equal(last?.scripts, 2);
  },
);

forEachCodingAgent("fails if its check never passes, and its branch is kept", async (agent) => {
  await using system = await CodingSystem.start();
  const check = ["--check", "echo no such luck; exit 3", "--check-turns", "1"];
  await system.startAgent(agent, { flags: ["--permissions", "all", ...check] });
  const { type, payload } = await system.work('SCRIPT: write a.txt "a\\n"; say "done"');
  assert.deepEqual([type, payload.code], ["error", "check_failed"], JSON.stringify(payload));
  assert.equal(payload.check.exit_code, 3);
  assert.equal(payload.check.turns, 1);
  assert.match(payload.check.output, /no such luck/);
  assert.equal(await system.repository.show(payload.branch, "a.txt"), "a\n");
});

forEachCodingAgent(
  "answers as the work's schema says, if need be in a second turn",
  async (agent, t) => {
    await using system = await CodingSystem.start();
    await system.startAgent(agent);
    const ask = (say: string, description: string) =>
      system.work(`SCRIPT: say ${say}`, { schema: { type: "integer", description } });

    await t.step("at once", async () => {
      const { type, payload } = await ask("2", "a sum");
      assert.equal(type, "result", JSON.stringify(payload));
      assert.equal(payload.output, 2);
    });
    await t.step("in a second turn, which has the schema, and so this script", async () => {
      const { type, payload } = await ask("two", "SCRIPT: say 3; say no");
      assert.equal(type, "result", JSON.stringify(payload));
      assert.equal(payload.output, 3);
    });
    await t.step("never", async () => {
      const { type, payload } = await ask("two", "a sum");
      assert.deepEqual([type, payload.code], ["error", "schema_mismatch"], JSON.stringify(payload));
    });
  },
);
