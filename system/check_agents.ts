import { type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import { program } from "./programs.ts";
import { SystemError } from "./system_error.ts";

/** Where agents will run that are checked. */
export interface CheckAgentsOptions {
  /** The environment of whoever starts them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where they will look for a relay, and whether a flag says so; undefined: the default. */
  readonly relay?: { readonly url: string; readonly isFlag: boolean };
  /** Whether they will run in containers, whose programs and files are not known here. */
  readonly inContainer: boolean;
}

/** A container has this only if it is asked for, … */
const NOT_INHERITED = { LOG_LEVEL: "" };
/** … and these name files of its own. */
const FILES_ELSEWHERE = { RELAY_CA: "", OUROCODUS_TOKEN_FILE: "" };

/**
 * Has the agent program check what agents would be started with.
 *
 * @returns What is wrong, in one line; undefined if nothing.
 * @throws {SystemError} If the program cannot be run, or fails itself.
 */
export async function checkAgents(
  wanted: AgentsWanted,
  { environment, relay, inContainer }: CheckAgentsOptions,
): Promise<string | undefined> {
  const { command, args } = program("agent");
  const [kind = "echo", ...rest] = wanted.args;
  const check = ["--dry-run", inContainer ? "flags" : "all"];
  const relayFlag = relay?.isFlag ? ["--relay", relay.url] : [];
  const variables = agentVariables(wanted, "checked");
  const { code, stderr } = await output(command, {
    args: [...args, kind, ...check, ...relayFlag, ...rest],
    env: {
      ...environment,
      ...(inContainer ? { ...NOT_INHERITED, ...variables, ...FILES_ELSEWHERE } : variables),
      RELAY_URL: relay?.url ?? "",
    },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  if (code === 0) return undefined;
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  const [, wrong] = /^error: (.*)$/.exec(lines.at(-1) ?? "") ?? [];
  if (wrong !== undefined) return wrong;
  throw new SystemError(`${command} ended with exit code ${code} when it checked agents:`, {
    lines,
  });
}

async function output(
  command: string,
  options: Deno.CommandOptions,
): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(command, options).output();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SystemError(`Cannot run the agent program ${command}: ${why}`, { cause: error });
  }
}
