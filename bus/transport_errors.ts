/**
 * Keeps an error listener on the sockets that lead to NATS.
 *
 * `@nats-io/transport-node` removes all of a socket's listeners before it destroys it. Under Deno a
 * read that is under way then still reports a reset connection, as a server leaves one behind that
 * refuses a client; with nobody listening, that error would end the process.
 *
 * @module
 */
import { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";
import type { Socket } from "node:net";

type Opener = (this: unknown, ...args: unknown[]) => Promise<Socket>;

/** Sees to it for all connections that are opened from now on. */
export function keepErrorListeners(): void {
  const transport = NodeTransport.prototype as unknown as Record<string, Opener>;
  for (const name of ["dial", "tlsFirst", "startTLS"]) {
    const open = transport[name];
    if (open === undefined) throw new Error(`@nats-io/transport-node has no ${name} any more`);
    transport[name] = async function (...args) {
      return withErrorListener(await open.apply(this, args));
    };
  }
}

function withErrorListener(socket: Socket): Socket {
  const remove = socket.removeAllListeners;
  // With an argument, even an undefined one, it would remove one event's listeners only.
  socket.removeAllListeners = function (...events) {
    remove.apply(this, events);
    return this.on("error", ignore);
  };
  return socket.on("error", ignore);
}

/** What breaks a connection is reported by its end. */
function ignore(): void {}
