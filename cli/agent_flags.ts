/**
 * The flags that say which agents to start.
 *
 * @module
 */
import { resolve } from "node:path";
import { invalidName, parseDurationMs } from "@ourocodus/protocol";
import { type AgentsWanted, MAX_AGENT_NAME, SUPERVISOR, SYSTEM_PARTS } from "@ourocodus/system";
import { countFlag, nameFlag } from "./flag_values.ts";
import { type AgentKind, passedArguments } from "./passed_flags.ts";
import { UsageError } from "./usage_error.ts";

/** The command line of `agent start`, as far as it says what to start. */
export interface AgentFlags {
  readonly session?: string;
  readonly role?: string;
  readonly count: string;
  readonly concurrency: string;
  readonly name?: string;
  readonly env?: readonly string[];
  readonly drain?: string;
  readonly cwd?: string;
  /** The preset of a coding agent. */
  readonly agent?: string;
  /** Whether the command is a coding agent's. */
  readonly acp?: true;
  /** The command, if there is one. */
  readonly command: readonly string[];
  /** Further flags are passed on, see passed_flags.ts. */
  readonly [passed: string]: unknown;
}

const MAX_COUNT = 1_000;
const MAX_CONCURRENCY = 1_024;
const DEFAULT_DRAIN_MS = 25_000;

/**
 * Checks flags.
 *
 * @param environment Where variables come from that are given by name.
 * @throws {UsageError}
 */
export function agentsWanted(
  flags: AgentFlags,
  environment: Readonly<Record<string, string>> = {},
): AgentsWanted {
  const { name } = flags;
  if (name !== undefined) checkName(name);
  const kind = agentKind(flags);
  const { env, passedEnv } = variables(flags.env ?? [], environment, kind);
  return {
    session: nameFlag("--session", flags.session),
    role: nameFlag("--role", flags.role),
    count: countFlag("--count", flags.count, { min: 1, max: MAX_COUNT }),
    concurrency: countFlag("--concurrency", flags.concurrency, { min: 1, max: MAX_CONCURRENCY }),
    name,
    env,
    passedEnv,
    drainMs: flags.drain === undefined ? DEFAULT_DRAIN_MS : drainMs(flags.drain),
    args: agentArguments(kind, flags, [...Object.keys(env), ...passedEnv]),
    cwd: flags.cwd === undefined ? undefined : resolve(flags.cwd),
  };
}

function agentKind({ agent, acp, command }: AgentFlags): AgentKind | undefined {
  if (agent !== undefined && command.length > 0) {
    throw new UsageError("--agent has a command of its own; --acp is for another, after --");
  }
  if (acp && command.length === 0) {
    throw new UsageError("--acp needs the coding agent's command, after --");
  }
  if (agent !== undefined || acp) return "coding";
  return command.length > 0 ? "exec" : undefined;
}

/** @param names Variables that were given, which not every agent hands on by itself. */
function agentArguments(
  kind: AgentKind | undefined,
  flags: AgentFlags,
  names: readonly string[],
): string[] {
  const passed = passedArguments(kind, flags);
  // By name: what is in arguments can be read by others on this machine.
  const all = [...passed, ...names.flatMap((name) => ["--env", name])];
  const { agent, command } = flags;
  switch (kind) {
    case undefined:
      return ["echo"];
    case "exec":
      return ["exec", ...all, "--", ...command];
    case "coding":
      return agent === undefined
        ? ["coding", "--acp", ...all, "--", ...command]
        : ["coding", "--agent", agent, ...all];
  }
}

function checkName(name: string): void {
  const wrong = invalidName(name);
  if (wrong !== undefined) throw new UsageError(`--name ${wrong}`);
  if (name.length > MAX_AGENT_NAME) {
    throw new UsageError(`--name has ${name.length} characters, limit is ${MAX_AGENT_NAME}`);
  }
  if ([SUPERVISOR, ...SYSTEM_PARTS.map((part) => part.name)].includes(name)) {
    throw new UsageError(`--name is "${name}", which is a part of the system`);
  }
}

function drainMs(value: string): number {
  const milliseconds = parseDurationMs(value);
  if (milliseconds !== undefined && milliseconds <= 86_400_000) return milliseconds;
  throw new UsageError(`--drain is "${value}", it must be a duration up to 1d, like 30s or 10m`);
}

function variables(
  list: readonly string[],
  environment: Readonly<Record<string, string>>,
  kind: AgentKind | undefined,
): Pick<AgentsWanted, "env" | "passedEnv"> {
  const env: Record<string, string> = {};
  const passedEnv: string[] = [];
  for (const text of list) {
    const end = text.indexOf("=");
    const name = end < 0 ? text : text.slice(0, end);
    if (name === "") {
      throw new UsageError(`--env is ${JSON.stringify(text)}, it must be NAME or NAME=VALUE`);
    }
    if (kind === "coding" && PROGRAM_VARIABLES.test(name)) {
      throw new UsageError(`--env is ${name}, which is the agent program's own; give --env-file`);
    }
    if (end >= 0) env[name] = text.slice(end + 1);
    else if (environment[name] !== undefined) passedEnv.push(name);
    else {
      throw new UsageError(
        `--env is ${name}, which is not set here: export it, or give ${name}=VALUE`,
      );
    }
  }
  return { env, passedEnv };
}

/** What the agent program itself is told by variables. */
const PROGRAM_VARIABLES =
  /^(SESSION_ID|ROLE|AGENT_ID|CONCURRENCY|DRAIN_SECONDS|RELAY_URL|RELAY_CA|LOG_LEVEL|OUROCODUS_.*)$/;
