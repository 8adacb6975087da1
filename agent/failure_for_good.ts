/**
 * After which ends of a connection it is no use to try again.
 *
 * @module
 */
import { mayReconnect } from "@ourocodus/protocol";
import { ServeError } from "./errors.ts";
import type { SocketClose } from "./socket.ts";

/** HTTP statuses from 400 to 499 that another try may change: time-out, too early, too many. */
const PASSING_STATUSES = [408, 425, 429];

/**
 * Why a connection's end is the last.
 *
 * @param shownUrl Where it led, for people to read.
 * @returns `undefined` if another try may succeed.
 */
export function failureForGood(shownUrl: string, close: SocketClose): ServeError | undefined {
  const { code, reason, status } = close;
  if (!mayReconnect(code)) {
    const message = `Connection to ${shownUrl} was closed for good with ${code}: ${reason}`;
    return new ServeError(message, { code: "closed_for_good", reason, closeCode: code });
  }
  if (status === undefined || status < 400 || status > 499) return undefined;
  if (PASSING_STATUSES.includes(status)) return undefined;
  const message = `Cannot connect to ${shownUrl}: ${status} ${reason}`;
  return new ServeError(message, { code: "upgrade_refused", reason, status });
}
