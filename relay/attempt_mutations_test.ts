/**
 * Cases and properties of attempts are worth as much as the faults that they find: here each step of
 * the machine is left out once, and each time one of them must fail.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Attempt } from "./attempt.ts";
import { ATTEMPT_CASES } from "./testing/attempt_cases.ts";
import { CONVERSATION_CASES } from "./testing/conversation_cases.ts";
import { FakeEffects } from "./testing/fake_effects.ts";
import { SETTLEMENT_CASES } from "./testing/settlement_cases.ts";
import { tryMachine } from "./testing/try_machine.ts";

const SOURCE = new URL("./attempt.ts", import.meta.url);
/** What does something: an effect, a change of the state, what an agent is told. */
const STEP =
  /^ +(?:if \(.*\) |else )?(?:return )?(?:void )?(this\.#(?:become|effects\.\w+|offer|give|retry|release|bury|send|renew|named|open|lose|fail|failPlain|giveUp|leaveToOthers|stand|return|read)\(.*\)|\w*[aA]gent\.(?:take|letGo|tell\w+|replaced)\(.*\)|\w+\??\.letGo\(.*\)|to\.take\(.*\)|state\.\w+\.\w+(?:\+\+|--)|state\.role\.(?:queued|inLine)\.\w+\(.*\)|state\.(?:endGrace|leave)\(\)|hearSaid\(.*\)|this\.socketLost\(\));$/;

/** The machine without the step of one line. */
async function without(
  line: number,
  lines: readonly string[],
  folder: string,
): Promise<typeof Attempt> {
  const mutated = lines.map((text, index) => {
    if (index !== line) return text;
    const step = STEP.exec(text)?.[1] ?? "";
    return text.replace(step, text.includes("return ") ? "undefined" : "void 0");
  });
  const linked = mutated.join("\n").replaceAll(/from "([^"]+)"/g, (_, name: string) => {
    const url = name.startsWith(".") ? new URL(name, SOURCE).href : import.meta.resolve(name);
    return `from ${JSON.stringify(url)}`;
  });
  const path = join(folder, `attempt_${line}.ts`);
  await Deno.writeTextFile(path, linked);
  return (await import(pathToFileURL(path).href)).Attempt;
}

Deno.test("each step of the machine that is left out is missed", async () => {
  const lines = (await Deno.readTextFile(SOURCE)).split("\n");
  const folder = await Deno.makeTempDir();
  const survivors: string[] = [];
  let tried = 0;
  for (const [index, line] of lines.entries()) {
    if (!STEP.test(line)) continue;
    tried++;
    const mutant = await without(index, lines, folder);
    try {
      const cases = { ...ATTEMPT_CASES, ...SETTLEMENT_CASES, ...CONVERSATION_CASES };
      for (const show of Object.values(cases)) {
        show(() => new FakeEffects(mutant));
      }
      tryMachine(mutant, 20_000, 1);
      survivors.push(`${index + 1}: ${line.trim()}`);
    } catch {
      // Found.
    }
  }
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual(survivors, []);
  assert.ok(tried >= 70, `${tried} steps were found in attempt.ts`);
});
