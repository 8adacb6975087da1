/**
 * Talking to the API.
 *
 * @module
 */
import type { Problem } from "../api/wire.ts";
import { noteRefused, token, tokenHeaders } from "./token.ts";

/** What went wrong, for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status; 504 if an answer did not come in time, 0 if nobody is there. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** How long an answer may take, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** Options of {@linkcode call}. */
export interface CallOptions {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/**
 * Asks the API.
 *
 * @returns The answer's body.
 * @throws {ApiError} With the problem's detail, or why there was no answer.
 */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const { method = "GET", body, headers, timeoutMs = TIMEOUT_MS } = options;
  const used = token.value;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      body,
      headers: {
        ...tokenHeaders(),
        ...headers,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    if (late) throw new ApiError(`no answer within ${timeoutMs / 1_000} s`, 504);
    throw new ApiError("the API is away", 0);
  }
  const { ok, status } = response;
  const value = parsed(text);
  // How unhealthy the system is, is an answer too.
  if ((ok || path === "/health") && value !== undefined) return value as T;
  const reason = ok ? "the API's answer is not JSON" : reasonOf(value, status);
  if (status === 401) noteRefused(used, reason);
  throw new ApiError(reason, status);
}

/** Why a response is no success. */
export async function refusalOf(response: Response): Promise<string> {
  return reasonOf(parsed(await response.text()), response.status);
}

function reasonOf(value: unknown, status: number): string {
  const { detail, title } = (value ?? {}) as Partial<Problem>;
  return detail ?? title ?? `the API answers ${status}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
