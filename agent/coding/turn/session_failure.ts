/**
 * What the adapters of Claude and Codex say when a turn fails, in `_meta` of an update or of the
 * answer to a prompt. They do so if the client declares {@linkcode FAILURE_CAPABILITY}; without it
 * Codex' adapter ends a failed turn as `end_turn`, with the error as the agent's text.
 *
 * @module
 */

/** To be put into `clientCapabilities`. */
export const FAILURE_CAPABILITY = {
  _meta: { jetbrains: { air: { version: 1, capabilities: ["sessionFailure"] } } },
} as const;

/** What failed. */
export interface SessionFailure {
  /** `limit`, `access`, `service`, `connection`, `unknown`, …: open, agents add to it. */
  readonly category: string;
  /** `warning` if the agent goes on, `error` if the turn has failed. */
  readonly severity: string;
  /** For people; may be the provider's own words. */
  readonly title: string;
  readonly description?: string;
  /** What helps: `retry`, `new_session`, … */
  readonly actions: readonly string[];
  /** The provider's delay, where an adapter gives one. */
  readonly retryAfterMs?: number;
}

const MAX_CHARACTERS = 2_000;

/** The failure in a `_meta`, if there is one. */
export function failureIn(meta: unknown): SessionFailure | undefined {
  const failure = field(field(field(meta, "jetbrains"), "air"), "sessionFailure");
  const category = text(field(failure, "category"));
  if (category === undefined) return undefined;
  const actions = field(failure, "actions");
  const description = text(field(failure, "description")) ?? text(field(failure, "message"));
  const retryAfterMs = field(failure, "retryAfterMs");
  return {
    category,
    severity: text(field(failure, "severity")) ?? "error",
    title: text(field(failure, "title")) ?? category,
    ...(description !== undefined && { description }),
    actions: (Array.isArray(actions) ? actions : []).slice(0, 20).flatMap((action) =>
      text(action) ?? text(field(action, "kind")) ?? []
    ),
    ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 && { retryAfterMs }),
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, MAX_CHARACTERS) : undefined;
}
