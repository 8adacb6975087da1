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
  /** The HTTP status; 0 if there was no answer. */
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
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(late ? `no answer within ${timeoutMs / 1_000} s` : "the API is away", 0);
  }
  if (response.status === 401) {
    const reason = await refusalOf(response);
    noteRefused(used, reason);
    throw new ApiError(reason, 401);
  }
  const value: unknown = await response.json().catch(() => undefined);
  // How unhealthy the system is, is an answer too.
  if (response.ok || path === "/health") return value as T;
  throw new ApiError(detailOf(value) ?? `the API answers ${response.status}`, response.status);
}

/** Why a response is no success. */
export async function refusalOf(response: Response): Promise<string> {
  const value: unknown = await response.json().catch(() => undefined);
  return detailOf(value) ?? `the API answers ${response.status}`;
}

function detailOf(value: unknown): string | undefined {
  const { detail, title } = (value ?? {}) as Partial<Problem>;
  return detail ?? title;
}
