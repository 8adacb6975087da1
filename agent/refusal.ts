import { parseObject } from "@ourocodus/bus";

const TIMEOUT_MS = 5_000;
const MAX_CHARACTERS = 500;

/**
 * Asks why a server refused to upgrade a connection, with the same request without the upgrade.
 *
 * @param url Where the WebSocket was to lead, `ws:` or `wss:`.
 * @param status The HTTP status that the upgrade was refused with.
 * @param options What the upgrade was asked with.
 * @returns What the answer's body says, if its status is the same; else `undefined`.
 */
export async function refusalReason(
  url: string,
  status: number,
  { headers, client, signal }: {
    readonly headers: Readonly<Record<string, string>>;
    readonly client: Deno.HttpClient | undefined;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  try {
    const response = await fetch(url.replace(/^ws/, "http"), {
      headers: { ...headers, accept: "application/json" },
      client,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const body = await response.text();
    return response.status === status ? reasonIn(body) : undefined;
  } catch {
    return undefined; // The status alone has to do.
  }
}

/** What a body says: of a relay's JSON all its reasons, else the text. */
function reasonIn(body: string): string | undefined {
  const text = wordsIn(body) ?? body.trim();
  return text === "" ? undefined : text.slice(0, MAX_CHARACTERS);
}

function wordsIn(body: string): string | undefined {
  const said = parseObject(body);
  if (said === undefined) return undefined;
  const { errors, error, message, detail } = said;
  const reasons = Array.isArray(errors) ? errors.map((one) => one?.reason).filter(isText) : [];
  return reasons.length > 0 ? reasons.join("; ") : [message, error, detail].find(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
