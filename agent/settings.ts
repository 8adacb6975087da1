/**
 * What the agent program is told through its environment.
 *
 * @module
 */
import {
  type Environment,
  integerSetting,
  invalidName,
  SettingError,
  textSetting,
} from "@ourocodus/bus";
import { parseRelayUrl } from "./agent_url.ts";
import { MAX_CONCURRENCY } from "./serve.ts";

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
}

/**
 * Settings from `SESSION_ID`, `ROLE`, `RELAY_URL`, `AGENT_ID` and `CONCURRENCY`.
 *
 * @throws {SettingError} If one is missing or has a value that cannot be used; it names all that
 * are missing.
 */
export function agentSettings(env: Environment): AgentSettings {
  const session = textSetting(env, "SESSION_ID");
  const role = textSetting(env, "ROLE");
  if (session === undefined || role === undefined) {
    const missing = [
      ...(session === undefined ? ["SESSION_ID"] : []),
      ...(role === undefined ? ["ROLE"] : []),
    ];
    const are = missing.length > 1 ? "are" : "is";
    throw new SettingError(
      `${missing.join(" and ")} ${are} missing: set SESSION_ID and ROLE, for example ` +
        `SESSION_ID=test ROLE=echo deno task agent`,
    );
  }
  const agentId = textSetting(env, "AGENT_ID");
  return {
    relayUrl: relayUrlSetting(env),
    session: checkedName("SESSION_ID", session),
    role: checkedName("ROLE", role),
    ...(agentId !== undefined && { agentId: checkedName("AGENT_ID", agentId) }),
    concurrency: integerSetting(env, "CONCURRENCY", { fallback: 1, min: 1, max: MAX_CONCURRENCY }),
  };
}

function relayUrlSetting(env: Environment): string {
  const text = textSetting(env, "RELAY_URL") ?? DEFAULT_RELAY_URL;
  parseRelayUrl(text, "RELAY_URL");
  return text;
}

function checkedName(variable: string, name: string): string {
  const wrong = invalidName(name);
  if (wrong !== undefined) throw new SettingError(`${variable} ${wrong}`);
  return name;
}
