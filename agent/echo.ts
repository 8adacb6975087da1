import type { Work, WorkContext } from "./work.ts";

/** The payload of the echo agent's results. */
export interface EchoResult {
  /** The work's payload. */
  readonly echo: Readonly<Record<string, unknown>>;
  /** When it was answered, ISO 8601. */
  readonly timestamp: string;
  /** Who answered: session and role, with a colon between them. */
  readonly agent: string;
}

/** Answers work with its own payload. */
export function echoHandler(work: Work, context: WorkContext): EchoResult {
  return {
    echo: work.payload,
    timestamp: new Date().toISOString(),
    agent: `${context.session}:${context.role}`,
  };
}
