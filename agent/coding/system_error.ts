import { isA } from "../errors.ts";

/** Whether the operating system refused something: the disk is full, a folder is not writable. */
export function isSystemError(error: unknown): error is Error {
  return isA(error, Error) && /^E[A-Z0-9]+$/.test(String((error as { code?: unknown }).code));
}
