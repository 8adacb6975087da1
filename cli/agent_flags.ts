/**
 * The flags that say which agents to start.
 *
 * @module
 */
import { type AgentsWanted, MAX_AGENT_NAME, SUPERVISOR, SYSTEM_PARTS } from "@ourocodus/system";
import { invalidName, parseDurationMs } from "@ourocodus/bus";
import { resolve } from "node:path";
import { countFlag, nameFlag } from "./flag_values.ts";
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
  /** Flags of the exec agent. */
  readonly timeout?: string;
  readonly killAfter?: string;
  readonly stdin?: string;
  readonly stdout?: string;
  readonly retryOn?: string;
  readonly retryDelay?: string;
  readonly cwd?: string;
  readonly errorIf?: string;
  readonly requireOutput?: true;
  readonly sandbox?: string;
  /** The command, if there is one. */
  readonly command: readonly string[];
}

const MAX_COUNT = 1_000;
const MAX_CONCURRENCY = 1_024;
const DEFAULT_DRAIN_MS = 25_000;

/** Checks flags. @throws {UsageError} */
export function agentsWanted(flags: AgentFlags): AgentsWanted {
  const { name } = flags;
  if (name !== undefined) checkName(name);
  return {
    session: nameFlag("--session", flags.session),
    role: nameFlag("--role", flags.role),
    count: within("--count", flags.count, MAX_COUNT),
    concurrency: within("--concurrency", flags.concurrency, MAX_CONCURRENCY),
    name,
    env: variables(flags.env ?? []),
    drainMs: flags.drain === undefined ? DEFAULT_DRAIN_MS : drainMs(flags.drain),
    args: agentArguments(flags),
    cwd: flags.cwd === undefined ? undefined : resolve(flags.cwd),
  };
}

function agentArguments(flags: AgentFlags): string[] {
  const { command, timeout, killAfter, stdin, stdout, retryOn, retryDelay, cwd } = flags;
  const { errorIf, requireOutput, sandbox } = flags;
  const exec = {
    "--timeout": timeout,
    "--kill-after": killAfter,
    "--stdin": stdin,
    "--stdout": stdout,
    "--retry-on": retryOn,
    "--retry-delay": retryDelay,
    "--cwd": cwd === undefined ? undefined : resolve(cwd),
    "--error-if": errorIf,
    "--require-output": requireOutput,
    "--sandbox": sandbox,
  };
  const given = Object.entries(exec).filter(([, value]) => value !== undefined);
  if (command.length > 0) {
    const words = given.flatMap(([flag, value]) => value === true ? [flag] : [flag, value ?? ""]);
    return ["exec", ...words, "--", ...command];
  }
  if (given.length === 0) return ["echo"];
  const flagNames = given.map(([flag]) => flag).join(", ");
  throw new UsageError(`${flagNames}: only with a command, after --`);
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

function within(flag: string, value: string, max: number): number {
  const number = countFlag(flag, value);
  if (number >= 1 && number <= max) return number;
  throw new UsageError(`${flag} is ${number}, allowed is 1 to ${max}`);
}

function drainMs(value: string): number {
  const milliseconds = parseDurationMs(value);
  if (milliseconds !== undefined && milliseconds <= 86_400_000) return milliseconds;
  throw new UsageError(`--drain is "${value}", it must be a duration up to 1d, like 30s or 10m`);
}

function variables(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.map((text) => {
    const end = text.indexOf("=");
    if (end < 1) {
      throw new UsageError(`--env is ${JSON.stringify(text)}, it must be NAME=VALUE`);
    }
    return [text.slice(0, end), text.slice(end + 1)];
  }));
}
