import { getLogger } from "@logtape/logtape";
import { messageOf, OurocodusError } from "@ourocodus/protocol";
import { isA } from "./errors.ts";
import type { AgentEvent } from "./events.ts";

const logger = getLogger(["ourocodus", "agent"]);

/**
 * Writes events to LogTape's category `ourocodus.agent`, which is silent until the program
 * configures it.
 */
export function logEvent(event: AgentEvent): void {
  switch (event.type) {
    case "connected":
      return logger.info("Connected to {url} as {agentId}", { ...event });
    case "unreachable":
      return isMilestone(event.failures)
        ? logger.warn("Cannot reach a relay at {url}: {reason}; trying again", { ...event })
        : logger.debug("Cannot reach a relay at {url}: {reason}; trying again", { ...event });
    case "disconnected":
      return logger.warn("Connection to {url} ended with {code}: {reason}", { ...event });
    case "relay.draining":
      return logger.info("The relay is going away", { ...event });
    case "relay.error":
      return logger.warn("The relay refused what was sent: {reason}", withReason(event));
    case "line.invalid":
      return logger.warn("The relay sent what is no message: {reason}", { ...event });
    case "work.failed":
      return logger.warn("Work {id} failed: {reason}", withError(event));
    case "work.retried":
      return logger.info("Work {id} was released: {reason}", withError(event));
    case "work.cancelled":
      return logger.info("Work was cancelled: {reason}", { ...event });
    case "work.stuck":
      return logger.warn("The handler of {id} goes on {afterMs} ms after its signal was aborted", {
        ...event,
      });
    case "work.duplicate":
      return logger.warn("Work {id} came again while it waited or ran", { ...event });
    case "result.unsendable":
      return logger.warn("The result of {id} was not sent: {reason}", { ...event });
    case "progress.dropped":
      return logger.debug("A {report} of {id} was not sent: {reason}", { ...event });
    case "stopping":
      return logger.info("Stopping: {running} running", { ...event });
    case "work.abandoned":
      return logger.warn("Abandoned {running} running: the time to finish is over", { ...event });
    case "results.lost":
      return logger.error("Stopped before a relay had stored {kept} results", { ...event });
  }
}

/** A record's own `message` is its text, so the event's goes by another name. */
function withReason(event: AgentEvent & { readonly message: string }): Record<string, unknown> {
  const { message: reason, ...rest } = event;
  return { ...rest, reason };
}

/** The first failure and then ever fewer, so that a relay that stays away fills no log. */
function isMilestone(failures: number): boolean {
  return (failures & (failures - 1)) === 0;
}

function withError(event: AgentEvent & { readonly error: unknown }): Record<string, unknown> {
  const { error, ...rest } = event;
  // What is thrown on purpose says all in its message.
  const isBug = isA(error, Error) && !(error instanceof OurocodusError);
  const stack = isBug ? error.stack : undefined;
  return { ...rest, reason: safeMessage(error), ...(stack !== undefined && { stack }) };
}

function safeMessage(error: unknown): string {
  try {
    return messageOf(error);
  } catch {
    return "what was thrown has no text";
  }
}
