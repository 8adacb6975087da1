/**
 * What went wrong, as a problem.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { HTTPException } from "hono/http-exception";
import { ConnectError, StreamError } from "@ourocodus/bus";
import { messageOf } from "@ourocodus/protocol";
import { ProblemError } from "./problem.ts";

const log = getLogger(["ourocodus", "api"]);

/** The problem that an error is. One that nobody expected is logged, and not told to the client. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof HTTPException && error.status < 500) {
    return new ProblemError("invalid_request", error.message);
  }
  if (error instanceof StreamError || error instanceof ConnectError) {
    return unavailable(messageOf(error));
  }
  const shown = error instanceof Error ? error.stack ?? error.message : String(error);
  log.error("a request failed", { error: shown });
  return new ProblemError("internal", "this is a fault of the server, which has logged it");
}

/** Something that is needed is away for now. */
export function unavailable(detail: string): ProblemError {
  return new ProblemError("unavailable", detail, { headers: { "retry-after": "1" } });
}
