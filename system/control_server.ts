import { timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { messageOf } from "@ourocodus/protocol";
import { type ControlAnswer, type ControlRequest, readLine, writeLine } from "./control_request.ts";
import type { ProcessView } from "./process_spec.ts";

/** Takes requests until it is closed. */
export interface ControlServer {
  readonly port: number;
  /** What every request has to carry. */
  readonly token: string;
  close(): Promise<void>;
}

/** Serves on a free port of 127.0.0.1. */
export function serveControl(
  answer: (request: ControlRequest) => Promise<readonly ProcessView[]>,
): ControlServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const token = crypto.randomUUID();
  /** Connections whose request has not come yet; the others are answered before the end. */
  const silent = new Set<Deno.Conn>();
  const serve = async (connection: Deno.Conn) => {
    silent.add(connection);
    try {
      const line = await readLine(connection);
      if (line !== undefined) {
        silent.delete(connection);
        await writeLine(connection, await reply(line, token, answer));
      }
    } catch {
      // The client has gone, or it is the end.
    } finally {
      silent.delete(connection);
      close(connection);
    }
  };
  const serving = (async () => {
    const pending = new Set<Promise<void>>();
    for await (const connection of listener) {
      const served = serve(connection).finally(() => pending.delete(served));
      pending.add(served);
    }
    await Promise.all(pending);
  })();
  return {
    port: listener.addr.port,
    token,
    async close() {
      listener.close();
      for (const connection of silent) {
        close(connection);
      }
      await serving;
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

async function reply(
  line: string,
  token: string,
  answer: (request: ControlRequest) => Promise<readonly ProcessView[]>,
): Promise<ControlAnswer> {
  try {
    const { token: given, request } = JSON.parse(line) as {
      token: string;
      request: ControlRequest;
    };
    if (!same(String(given), token)) return { kind: "error", message: "the token is wrong" };
    return { kind: "ok", processes: await answer(request) };
  } catch (error) {
    return { kind: "error", message: messageOf(error) };
  }
}

function same(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
