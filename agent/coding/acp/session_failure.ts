/**
 * What the adapters of Claude and Codex say when a turn fails, in `_meta` of an update or of the
 * answer to a prompt, to a client that declares {@linkcode FAILURE_EXTENSION}. Without it Codex'
 * adapter ends a failed turn as `end_turn`, with the error as the agent's text.
 *
 * @module
 */

/** `clientCapabilities._meta` that asks for it. */
export const FAILURE_EXTENSION = {
  jetbrains: { air: { version: 1, capabilities: ["sessionFailure"] } },
};

/** What failed. */
export interface SessionFailure {
  /** `limit`, `access`, `service`, `connection`, `request`, `unknown`, and what may come. */
  readonly category: string;
  /** `warning` if the agent goes on, `error` if the turn has failed. */
  readonly severity: string;
  /** For people; may be the provider's own words. */
  readonly title: string;
  readonly details?: string;
  /** What helps: `retry`, `login`, `new_session`, and what may come. */
  readonly actions: readonly string[];
}

const MAX_CHARACTERS = 2_000;

/** The failure in a `_meta`, if there is one. */
export function failureIn(meta: unknown): SessionFailure | undefined {
  const failure = field(field(field(meta, "jetbrains"), "air"), "sessionFailure");
  if (typeof failure !== "object" || failure === null) return undefined;
  const category = text(field(failure, "category")) ?? "unknown";
  const actions = field(failure, "actions");
  const details = text(field(failure, "details"));
  return {
    category,
    severity: text(field(failure, "severity")) ?? "error",
    title: text(field(failure, "title")) ?? "the agent failed",
    ...(details !== undefined && { details }),
    actions: (Array.isArray(actions) ? actions : []).slice(0, 20).flatMap((one) => text(one) ?? []),
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
