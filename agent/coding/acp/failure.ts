import { z } from "zod";

/**
 * What failed, as the adapters of Claude and Codex say it to a client that declares
 * {@linkcode FAILURE_EXTENSION}; without it Codex' adapter ends a failed turn as any other, with
 * the error as its text.
 */
export interface SessionFailure {
  /** `connection`, `access`, `limit`, `request`, `service` or `unknown`, and what may come */
  readonly category: string;
  /** `error` or `warning`. */
  readonly severity: string;
  readonly title: string;
  readonly details?: string;
  /** What may help: `retry`, `login`, `new_session`, and what may come */
  readonly actions: readonly string[];
}

/** `clientCapabilities._meta` that asks for it. */
export const FAILURE_EXTENSION = {
  jetbrains: { air: { version: 1, capabilities: ["sessionFailure"] } },
};

const shape = z.looseObject({
  jetbrains: z.looseObject({
    air: z.looseObject({
      sessionFailure: z.looseObject({
        category: z.string().catch("unknown"),
        severity: z.string().catch("error"),
        title: z.string().catch("the agent failed"),
        details: z.string().optional().catch(undefined),
        actions: z.array(z.string()).catch([]),
      }),
    }),
  }),
});

/** The failure in a message's `_meta`, if there is one. */
export function failureIn(meta: unknown): SessionFailure | undefined {
  const read = shape.safeParse(meta);
  if (!read.success) return undefined;
  const { category, severity, title, details, actions } = read.data.jetbrains.air.sessionFailure;
  return { category, severity, title, actions, ...(details && { details }) };
}
