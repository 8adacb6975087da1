/**
 * `agent check`: has the agent program look, and passes on what it says.
 *
 * @module
 */
import { checkCodingAgent } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";

/** The command line of `agent check`. */
export interface AgentCheckFlags {
  /** The preset's name, or a command. */
  readonly words: readonly string[];
  readonly acp?: true;
  readonly json?: true;
}

/** Runs the command. */
export function agentCheck(
  { words, acp, json }: AgentCheckFlags,
  console: Console,
): Promise<ExitCode> {
  return explainFailure(console, async () => {
    const flags = [...acp ? ["--acp"] : [], ...json ? ["--json"] : []];
    const code = await checkCodingAgent([...flags, "--", ...words], {
      environment: console.env.toObject?.() ?? {},
      onOutput: (text) => void console.out.write(text).catch(() => {}),
      onError: (text) => void console.err.write(text).catch(() => {}),
      signal: console.signal,
    });
    return code === EXIT.ok || code === EXIT.usage ? code : EXIT.failed;
  });
}
