/** Part of what a nats-server says first to a client that connects. */
export interface NatsGreeting {
  /** Its name: `-n` or `server_name`, else its id. */
  readonly server_name: string;
  /** Its version without `v`. */
  readonly version: string;
  /** Whether JetStream is on. */
  readonly jetstream?: boolean;
}

/** A greeting is some hundred bytes long; with many cluster addresses some thousand. */
const MAX_GREETING_BYTES = 64 * 1024;

/**
 * Connects to a nats-server and reads its greeting, so that one knows that it accepts connections
 * and which server it is.
 *
 * @param port Its port.
 * @param options `hostname`: default 127.0.0.1. `signal`: gives up.
 * @returns The greeting, or `undefined` if nobody listens or the listener is not a nats-server.
 */
export async function natsGreeting(
  port: number,
  options: { hostname?: string; signal?: AbortSignal } = {},
): Promise<NatsGreeting | undefined> {
  const { hostname = "127.0.0.1", signal } = options;
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname, port, signal });
  } catch {
    return undefined;
  }
  const close = () => connection.close();
  signal?.addEventListener("abort", close);
  if (signal?.aborted) close(); // It was aborted while the connection was made.
  try {
    return parseGreeting(await firstLine(connection));
  } catch {
    return undefined;
  } finally {
    signal?.removeEventListener("abort", close);
    if (!signal?.aborted) close();
  }
}

async function firstLine(connection: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n") && text.length < MAX_GREETING_BYTES) {
    const length = await connection.read(buffer);
    if (length === null) break;
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return text;
}

function parseGreeting(text: string): NatsGreeting | undefined {
  const json = /^INFO (\{.*\}) ?\r\n/.exec(text)?.[1];
  return json === undefined ? undefined : JSON.parse(json) as NatsGreeting;
}
