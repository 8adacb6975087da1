/**
 * What the agent program is told through flags and its environment; flags come first.
 *
 * @module
 */
import {
  duration,
  type Environment,
  integer,
  invalidName,
  isLimitKey,
  LIMIT_KEY_RULE,
  LOG_LEVEL,
  messageOf,
  readSettings,
  SettingError,
  text,
} from "@ourocodus/protocol";
import { parseRelayUrls } from "./agent_url.ts";
import { MAX_CONCURRENCY } from "./serve.ts";
import { isHeaderToken } from "./web_socket.ts";

/** All settings of the agent program. What is secret has no flag: lists of processes show flags. */
export const AGENT_SETTINGS = {
  session: text("SESSION_ID", "whose work to take", { flag: "--session", parse: checkedName }),
  role: text("ROLE", "which of its work to take", { flag: "--role", parse: checkedName }),
  relay: text("RELAY_URL", "where a relay listens, several with commas", {
    parse: checkedUrls,
    flag: "--relay",
    fallback: "ws://localhost:8080",
  }),
  agentId: text("AGENT_ID", "the agent's name", {
    parse: checkedName,
    flag: "--agent-id",
    otherwise: "a random one",
  }),
  concurrency: integer("CONCURRENCY", "how many work items it takes at once", {
    flag: "--concurrency",
    fallback: 1,
    range: [1, MAX_CONCURRENCY],
  }),
  limitKey: text("LIMIT_KEY", "agents with the same key pause together at their provider's limit", {
    parse: checkedLimitKey,
    flag: "--limit-key",
    otherwise: "of a coding agent, its account",
  }),
  maxAttempt: duration("MAX_ATTEMPT_DURATION", "how long an attempt may take", {
    flag: "--max-attempt",
    otherwise: "of a coding agent 24h, else as the relay has it",
    range: ["1s", "30d"],
  }),
  maxSilence: duration("NO_PROGRESS_AFTER", "how long it may say nothing about its work", {
    flag: "--max-silence",
    otherwise: "of a coding agent 30m, else as the relay has it",
    range: ["1s", "30d"],
  }),
  drain: duration("DRAIN_SECONDS", "how long running work may take after SIGTERM", {
    flag: "--drain",
    fallback: 25,
    range: [0, "1d"],
  }),
  token: text("OUROCODUS_TOKEN", "the token that lets it in, where relays need one", {
    parse: checkedToken,
  }),
  tokenFile: text(
    "OUROCODUS_TOKEN_FILE",
    "the file that has the token, read before each connection",
  ),
  caFile: text("RELAY_CA", "a file with certificate authorities to trust for wss:// (PEM)"),
  logLevel: LOG_LEVEL,
};

/** Checked settings. */
export interface AgentSettings {
  readonly relayUrl: string;
  readonly session: string;
  readonly role: string;
  /** As given; without it the agent makes one up. */
  readonly agentId?: string;
  readonly concurrency: number;
  /** Whose provider's limits it shares. */
  readonly limitKey?: string;
  /** How long an attempt may take, in milliseconds. */
  readonly maxAttemptMs?: number;
  /** How long it may say nothing about its work, in milliseconds. */
  readonly noProgressMs?: number;
  /** What lets it in to relays. */
  readonly token?: () => string | undefined;
  /** Certificates of authorities that are trusted besides the known ones. */
  readonly caCerts?: readonly string[];
  /** How long work in hand may take when the agent is stopped, in milliseconds. */
  readonly drainMs: number;
}

/** Flags that stand for environment variables, as they were given. */
export interface AgentFlags {
  readonly session?: string;
  readonly role?: string;
  readonly relay?: string;
  readonly agentId?: string;
  readonly concurrency?: string;
  readonly limitKey?: string;
  readonly maxAttempt?: string;
  readonly maxSilence?: string;
  readonly drain?: string;
}

/**
 * Reads {@linkcode AGENT_SETTINGS}; a flag goes before its variable.
 *
 * @throws {SettingError} If one is missing or has a value that cannot be used; it names all that
 * are missing.
 */
export function agentSettings(env: Environment, flags: AgentFlags = {}): AgentSettings {
  const read = readSettings(AGENT_SETTINGS, env, flags);
  const { session, role, agentId, concurrency, limitKey, maxAttempt, maxSilence } = read;
  if (session === undefined || role === undefined) throw missing(session, role);
  const token = tokenOf(read.token, read.tokenFile);
  return {
    relayUrl: read.relay,
    session,
    role,
    ...(agentId !== undefined && { agentId }),
    concurrency,
    ...(limitKey !== undefined && { limitKey }),
    ...(maxAttempt !== undefined && { maxAttemptMs: maxAttempt }),
    ...(maxSilence !== undefined && { noProgressMs: maxSilence }),
    ...(token !== undefined && { token }),
    ...(read.caFile !== undefined && { caCerts: [readFile("RELAY_CA", read.caFile)] }),
    drainMs: read.drain,
  };
}

function missing(session: string | undefined, role: string | undefined): SettingError {
  const names = [
    ...(session === undefined ? ["SESSION_ID"] : []),
    ...(role === undefined ? ["ROLE"] : []),
  ];
  const are = names.length > 1 ? "are" : "is";
  return new SettingError(
    `${names.join(" and ")} ${are} missing: set SESSION_ID and ROLE, or give --session and ` +
      `--role, for example SESSION_ID=test ROLE=echo deno task agent`,
  );
}

function tokenOf(
  token: string | undefined,
  file: string | undefined,
): (() => string | undefined) | undefined {
  if (token !== undefined) return () => token;
  if (file === undefined) return undefined;
  const read = () => readFile("OUROCODUS_TOKEN_FILE", file).trim();
  read();
  return () => {
    try {
      return read();
    } catch {
      return undefined; // The relay says that it needs one.
    }
  };
}

function readFile(name: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new SettingError(`${name} is "${path}", which cannot be read: ${messageOf(error)}`);
  }
}

function checkedToken(token: string, name: string): string {
  if (isHeaderToken(token)) return token;
  throw new SettingError(`${name} must be of printable ASCII characters, without spaces`);
}

function checkedUrls(urls: string, name: string): string {
  parseRelayUrls(urls, name);
  return urls;
}

function checkedLimitKey(text: string, name: string): string {
  if (isLimitKey(text)) return text;
  throw new SettingError(`${name} is ${JSON.stringify(text)}, ${LIMIT_KEY_RULE}`);
}

function checkedName(text: string, name: string): string {
  const wrong = invalidName(text);
  if (wrong === undefined) return text;
  throw new SettingError(`${name} ${wrong}`);
}
