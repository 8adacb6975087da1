import { parseObject } from "@ourocodus/protocol";

const TIMEOUT_MS = 5_000;
const MAX_CHARACTERS = 500;
const NO_HANDSHAKE = 426;

/** What an upgrade was refused with. */
export interface UpgradeRefusal {
  readonly status: number;
  /** What the answer's body says, where it is the same answer. */
  readonly reason?: string;
}

/**
 * Asks why a server refused to upgrade a connection, with the same request without the upgrade.
 *
 * @param url Where the WebSocket was to lead, `ws:` or `wss:`.
 * @param status The HTTP status that the upgrade was refused with; `undefined` if that is not known.
 * @param options What the upgrade was asked with.
 * @returns `undefined` if the status is not known, and the answer is not a relay's refusal.
 */
export async function upgradeRefusal(
  url: string,
  status: number | undefined,
  { headers, client, signal }: {
    readonly headers: Readonly<Record<string, string>>;
    readonly client: Deno.HttpClient | undefined;
    readonly signal: AbortSignal;
  },
): Promise<UpgradeRefusal | undefined> {
  try {
    const response = await fetch(url.replace(/^ws/, "http"), {
      headers: { ...headers, accept: "application/json" },
      client,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const body = await response.text();
    const same = status === undefined ? isRefusal(response) : response.status === status;
    if (same) return { status: response.status, reason: reasonIn(body) };
  } catch {
    // The status alone has to do.
  }
  return status === undefined ? undefined : { status };
}

/**
 * Whether a relay says what the upgrade was refused for, too: not that it lacks a handshake, nor
 * something on the way that lets only WebSockets through.
 */
function isRefusal({ status, headers }: Response): boolean {
  return status >= 400 && status !== NO_HANDSHAKE &&
    headers.get("content-type")?.startsWith("application/problem+json") === true;
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
