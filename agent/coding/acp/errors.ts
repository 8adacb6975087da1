import { OurocodusError } from "@ourocodus/protocol";

/**
 * Why an adapter or a conversation cannot go on.
 *
 * | code            | means                                                                          |
 * | --------------- | ------------------------------------------------------------------------------ |
 * | `closed`        | the process or its output ended, in any phase; the same may work another time  |
 * | `no_answer`     | it did not answer in time, and was ended                                       |
 * | `start_failed`  | it cannot be run, refuses `initialize`, or is another program than its preset's |
 * | `auth_required` | it is not logged in                                                            |
 * | `no_mode`       | it does not offer the mode that the permissions need                           |
 * | `line_too_long` | it wrote a line longer than the limit, and was ended                           |
 * | `request_failed`| it answered a request with an error; `rpc` has it                              |
 */
export type AdapterErrorCode =
  | "closed"
  | "no_answer"
  | "start_failed"
  | "auth_required"
  | "no_mode"
  | "line_too_long"
  | "request_failed";

/** What an agent answered instead of a result. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** What else is known of an {@linkcode AdapterError}. */
export interface AdapterErrorOptions extends ErrorOptions {
  /** The end of what the process wrote on standard error. */
  readonly stderr?: string;
  /** The request that was answered with an error, or not at all. */
  readonly method?: string;
  readonly rpc?: RpcError;
}

/** An adapter or a conversation cannot go on; the code says why. */
export class AdapterError extends OurocodusError {
  override readonly name = "AdapterError";
  declare readonly code: AdapterErrorCode;
  /** The end of what the process wrote on standard error; may be empty. */
  readonly stderr: string;
  readonly method: string | undefined;
  readonly rpc: RpcError | undefined;

  constructor(code: AdapterErrorCode, message: string, options: AdapterErrorOptions = {}) {
    super(code, message, options);
    this.stderr = options.stderr ?? "";
    this.method = options.method;
    this.rpc = options.rpc;
  }
}

/** The agent lives, and cannot load the session that was asked for; a new one may be opened. */
export class CannotLoad extends OurocodusError {
  override readonly name = "CannotLoad";

  constructor(message: string, options?: ErrorOptions) {
    super("cannot_load", message, options);
  }
}

/** JSON-RPC code of ACP: the agent wants a login first. */
const AUTH_REQUIRED = -32000;

/** An agent's error answer as an {@linkcode AdapterError}. */
export function requestError(
  title: string,
  method: string,
  rpc: RpcError,
  options: { readonly login: string; readonly stderr: string },
): AdapterError {
  const { login, stderr } = options;
  const said = `${rpc.message}${detailOf(rpc.data)}`;
  if (rpc.code === AUTH_REQUIRED) {
    const message = `${title} is not logged in (${said}): ${login}`;
    return new AdapterError("auth_required", message, { method, rpc, stderr });
  }
  const message = `${title} answered ${method} with error ${rpc.code}: ${said}`;
  return new AdapterError("request_failed", message, { method, rpc, stderr });
}

/** What agents add to the message of an error: a text, or an object that has one. */
function detailOf(data: unknown): string {
  if (typeof data === "string") return `: ${data.slice(0, 500)}`;
  if (typeof data !== "object" || data === null) return "";
  const { details, message } = data as { details?: unknown; message?: unknown };
  const text = [details, message].find((value) => typeof value === "string");
  return text === undefined ? "" : `: ${String(text).slice(0, 500)}`;
}
