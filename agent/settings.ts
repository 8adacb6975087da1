/**
 * What the agent program is told through flags and its environment; flags come first.
 *
 * @module
 */
import {
  durationSettingMs,
  type Environment,
  integerSetting,
  invalidName,
  messageOf,
  SettingError,
  textSetting,
} from "@ourocodus/protocol";
import { parseRelayUrls } from "./agent_url.ts";
import { MAX_CONCURRENCY } from "./serve.ts";
import { isHeaderToken } from "./web_socket.ts";

/** The default of `RELAY_URL`. */
export const DEFAULT_RELAY_URL = "ws://localhost:8080";

/** Checked settings. */
export interface AgentSettings {
  readonly relayUrl: string;
  readonly session: string;
  readonly role: string;
  /** As given; without it the agent makes one up. */
  readonly agentId?: string;
  readonly concurrency: number;
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
  readonly drain?: string;
}

const DAY_MS = 86_400_000;

/**
 * Settings from flags, and where one is not given from `SESSION_ID`, `ROLE`, `RELAY_URL`,
 * `AGENT_ID`, `CONCURRENCY` and `DRAIN_SECONDS`. `OUROCODUS_TOKEN`, or the file
 * `OUROCODUS_TOKEN_FILE`, which is read before each connection, and the file `RELAY_CA` have no
 * flags: what is secret would be seen in the list of processes.
 *
 * @throws {SettingError} If one is missing or has a value that cannot be used; it names all that
 * are missing.
 */
export function agentSettings(env: Environment, flags: AgentFlags = {}): AgentSettings {
  const session = given(env, "SESSION_ID", "--session", flags.session);
  const role = given(env, "ROLE", "--role", flags.role);
  if (session === undefined || role === undefined) {
    const missing = [
      ...(session === undefined ? ["SESSION_ID"] : []),
      ...(role === undefined ? ["ROLE"] : []),
    ];
    const are = missing.length > 1 ? "are" : "is";
    throw new SettingError(
      `${missing.join(" and ")} ${are} missing: set SESSION_ID and ROLE, or give --session and ` +
        `--role, for example SESSION_ID=test ROLE=echo deno task agent`,
    );
  }
  const agentId = given(env, "AGENT_ID", "--agent-id", flags.agentId);
  const concurrency = given(env, "CONCURRENCY", "--concurrency", flags.concurrency);
  const drain = given(env, "DRAIN_SECONDS", "--drain", flags.drain);
  const token = tokenOf(env);
  const caCerts = certificatesOf(env);
  return {
    relayUrl: relayUrl(given(env, "RELAY_URL", "--relay", flags.relay)),
    session: checkedName(session),
    role: checkedName(role),
    ...(agentId !== undefined && { agentId: checkedName(agentId) }),
    concurrency: integerSetting(only(concurrency), concurrency?.name ?? "", {
      fallback: 1,
      min: 1,
      max: MAX_CONCURRENCY,
    }),
    ...(token !== undefined && { token }),
    ...(caCerts !== undefined && { caCerts }),
    drainMs: durationSettingMs(only(drain), drain?.name ?? "", {
      fallback: 25_000,
      min: 0,
      max: DAY_MS,
    }),
  };
}

function tokenOf(env: Environment): (() => string | undefined) | undefined {
  const token = textSetting(env, "OUROCODUS_TOKEN");
  if (token !== undefined) {
    if (isHeaderToken(token)) return () => token;
    throw new SettingError(
      "OUROCODUS_TOKEN must be of printable ASCII characters, without spaces",
    );
  }
  const file = textSetting(env, "OUROCODUS_TOKEN_FILE");
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

function certificatesOf(env: Environment): string[] | undefined {
  const file = textSetting(env, "RELAY_CA");
  return file === undefined ? undefined : [readFile("RELAY_CA", file)];
}

function readFile(name: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new SettingError(`${name} is "${path}", which cannot be read: ${messageOf(error)}`);
  }
}

/** A value, and what errors call it. */
interface Given {
  readonly name: string;
  readonly text: string;
}

function given(
  env: Environment,
  variable: string,
  flag: string,
  flagValue: string | undefined,
): Given | undefined {
  if (flagValue !== undefined) return { name: flag, text: flagValue };
  const text = textSetting(env, variable);
  return text === undefined ? undefined : { name: variable, text };
}

/** An environment with nothing else in it. */
function only(value: Given | undefined): Environment {
  return { get: (name) => name === value?.name ? value.text : undefined };
}

function relayUrl(value: Given | undefined): string {
  if (value === undefined) return DEFAULT_RELAY_URL;
  parseRelayUrls(value.text, value.name);
  return value.text;
}

function checkedName({ name, text }: Given): string {
  const wrong = invalidName(text);
  if (wrong !== undefined) throw new SettingError(`${name} ${wrong}`);
  return text;
}
