import { messageOf } from "@ourocodus/protocol";
import { type ProgramEnd, type RunOptions, runToEnd } from "@ourocodus/setup";
import { type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import { program } from "./programs.ts";
import { SystemError } from "./system_error.ts";

/** Where agents will run that are checked. */
export interface CheckAgentsOptions {
  /** The environment of the command that starts them. */
  readonly environment: Readonly<Record<string, string>>;
  /** The folder that they are started in; this one by default. */
  readonly cwd?: string;
  /** The home, in which their files are if no flag says another place. */
  readonly home: string;
  /** Where they will look for a relay, and whether a flag says so; undefined: the default. */
  readonly relay?: { readonly url: string; readonly isFlag: boolean };
  /** Whether they will run in containers, whose programs and files are not known here. */
  readonly inContainer: boolean;
}

/** What the agent program says of agents that it would run. */
export type AgentsCheck =
  | { readonly kind: "ok"; readonly facts: AgentsFacts }
  /** In one line. */
  | { readonly kind: "wrong"; readonly reason: string };

/** What is to be known of agents before they run. */
export interface AgentsFacts {
  /** Variables of the environment that they cannot do without, by name. */
  readonly variables: readonly string[];
  /** The folder for worktrees, of coding agents with a repository. */
  readonly worktrees?: string;
  /** Folders that they write to, and files and folders that they read: absolute paths. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** The npm package of a known coding agent, with a version. */
  readonly npmPackage?: string;
}

const NO_FACTS: AgentsFacts = { variables: [], writable: [], readable: [] };

/** A container has this only if it is asked for, … */
const NOT_INHERITED = { LOG_LEVEL: "" };
/** … and these name files of its own. */
const FILES_ELSEWHERE = { RELAY_CA: "", OUROCODUS_TOKEN_FILE: "" };

/**
 * Has the agent program check what agents would be started with.
 *
 * @throws {SystemError} If the program cannot be run, or fails itself.
 */
export async function checkAgents(
  wanted: AgentsWanted,
  { environment, cwd, home, relay, inContainer }: CheckAgentsOptions,
): Promise<AgentsCheck> {
  const [kind = "echo", ...rest] = wanted.args;
  const relayFlag = relay?.isFlag ? ["--relay", relay.url] : [];
  const variables = agentVariables(wanted, "checked");
  const depth = depthOf(kind, inContainer);
  const { code, stdout, stderr } = await runAgentProgram(
    [kind, "--dry-run", depth, ...relayFlag, ...rest],
    {
      env: {
        ...environment,
        ...(inContainer ? { ...NOT_INHERITED, ...variables, ...FILES_ELSEWHERE } : variables),
        RELAY_URL: relay?.url ?? "",
        OUROCODUS_HOME: home,
      },
      cwd,
    },
  );
  if (code === 0) return { kind: "ok", facts: facts(stdout) };
  const lines = stderr.trim().split("\n");
  const [, reason] = /^error: (.*)$/.exec(lines.at(-1) ?? "") ?? [];
  if (reason !== undefined) return { kind: "wrong", reason };
  throw new SystemError(`The agent program ended with exit code ${code} when it checked agents:`, {
    lines,
  });
}

/** A coding agent's files are in a container where they are here. */
function depthOf(kind: string, inContainer: boolean): "flags" | "files" | "all" {
  if (!inContainer) return "all";
  return kind === "coding" ? "files" : "flags";
}

function facts(stdout: string): AgentsFacts {
  const line = stdout.trim();
  return line === "" ? NO_FACTS : { ...NO_FACTS, ...JSON.parse(line) as Partial<AgentsFacts> };
}

/** Options of {@linkcode checkCodingAgent}. */
export interface CheckCodingAgentOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
  readonly onError: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Has the agent program look whether a coding agent can be run here; see its command `check`.
 *
 * @param args Arguments of that command.
 * @returns Its exit code.
 * @throws {SystemError} If the program cannot be run.
 */
export async function checkCodingAgent(
  args: readonly string[],
  { environment, ...options }: CheckCodingAgentOptions,
): Promise<number> {
  return (await runAgentProgram(["check", ...args], { env: environment, ...options })).code;
}

async function runAgentProgram(
  args: readonly string[],
  options: RunOptions,
): Promise<ProgramEnd> {
  const { command, args: first } = program("agent");
  try {
    return await runToEnd(command, [...first, ...args], { ...options, clearEnv: true });
  } catch (error) {
    options.signal?.throwIfAborted();
    const why = messageOf(error);
    throw new SystemError(`Cannot run the agent program ${command}: ${why}`, { cause: error });
  }
}
