/**
 * The body of an operation that takes one: JSON in UTF-8, within limits.
 *
 * @module
 */
import { checkJson } from "./json_text.ts";
import { ProblemError } from "./problem.ts";
import { type BodyLimits, readBody } from "./request_body.ts";
import { shown } from "./shown.ts";

/** Nested deeper, many a JSON parser fails. */
const MAX_DEPTH = 500;

/**
 * The same request, with a body that is JSON and in memory.
 *
 * @throws {ProblemError} If the body is something else; it says where.
 */
export async function withJsonBody(request: Request, limits: BodyLimits): Promise<Request> {
  checkType(request.headers.get("content-type"));
  checkEncoding(request.headers.get("content-encoding"));
  const bytes = await readBody(request, limits);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("the body is not UTF-8");
  }
  if (text.trim() === "") throw invalid("the body is empty, it must be JSON");
  const check = checkJson(text, { maxDepth: MAX_DEPTH });
  if (check.kind === "invalid") throw invalid(`the body is not JSON: ${check.reason}`);
  const { url, method, headers } = request;
  return new Request(url, { method, headers, body: text });
}

/** @throws {ProblemError} If it is another type, or another charset: JSON is UTF-8 (RFC 8259). */
function checkType(header: string | null): void {
  const [type, ...parameters] = (header ?? "").toLowerCase().split(";").map((part) => part.trim());
  const shown = header === null ? "there is no Content-Type" : `Content-Type is ${header}`;
  if (type !== "application/json") {
    throw new ProblemError("unsupported_media_type", `${shown}, it must be application/json`);
  }
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)) {
    throw new ProblemError("unsupported_media_type", `${shown}, JSON is UTF-8`);
  }
}

/** @throws {ProblemError} If it is compressed: a little of that can be very much. */
function checkEncoding(header: string | null): void {
  if (header === null || header.toLowerCase() === "identity") return;
  const detail = `Content-Encoding is ${shown(header)}, the body must come as it is`;
  throw new ProblemError("unsupported_media_type", detail);
}

function invalid(detail: string): ProblemError {
  return new ProblemError("invalid_request", detail, {
    extras: { errors: [{ in: "body", name: "", detail }] },
  });
}
