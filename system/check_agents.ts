import { type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import { program } from "./programs.ts";
import { SystemError } from "./system_error.ts";

/** Where agents will run that are checked. */
export interface CheckAgentsOptions {
  /** The environment of whoever starts them. */
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
  const { command, args } = program("agent");
  const [kind = "echo", ...rest] = wanted.args;
  const relayFlag = relay?.isFlag ? ["--relay", relay.url] : [];
  const variables = agentVariables(wanted, "checked");
  const { code, stdout, stderr } = await output(command, {
    args: [...args, kind, "--dry-run", depthOf(kind, inContainer), ...relayFlag, ...rest],
    env: {
      ...environment,
      ...(inContainer ? { ...NOT_INHERITED, ...variables, ...FILES_ELSEWHERE } : variables),
      RELAY_URL: relay?.url ?? "",
      OUROCODUS_HOME: home,
    },
    cwd,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const text = new TextDecoder();
  if (code === 0) return { kind: "ok", facts: facts(text.decode(stdout)) };
  const lines = text.decode(stderr).trim().split("\n");
  const [, reason] = /^error: (.*)$/.exec(lines.at(-1) ?? "") ?? [];
  if (reason !== undefined) return { kind: "wrong", reason };
  throw new SystemError(`${command} ended with exit code ${code} when it checked agents:`, {
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
  { environment, onOutput, onError, signal }: CheckCodingAgentOptions,
): Promise<number> {
  const { command, args: first } = program("agent");
  const child = spawned(command, {
    args: [...first, "check", ...args],
    env: { ...environment },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  });
  const [{ code }] = await Promise.all([
    child.status,
    read(child.stdout, onOutput),
    read(child.stderr, onError),
  ]);
  return code;
}

async function read(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  tell: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) tell(text);
}

async function output(
  command: string,
  options: Deno.CommandOptions,
): Promise<Deno.CommandOutput> {
  return await spawned(command, options).output();
}

function spawned(command: string, options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(command, options).spawn();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SystemError(`Cannot run the agent program ${command}: ${why}`, { cause: error });
  }
}
