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
import { connect as connectTls, type ConnectionOptions } from "node:tls";

type Opener = (this: Transport, ...args: unknown[]) => Promise<Socket>;

/** What of the transport is used here. */
interface Transport {
  readonly socket: Socket;
  readonly tlsName: string;
  readonly options: { readonly tls?: ConnectionOptions | null };
  loadClientCerts(): Promise<ConnectionOptions>;
}

let kept = false;

/** Does it for all connections that are opened from now on. Called again, it does nothing. */
export function keepErrorListeners(): void {
  if (kept) return;
  const transport = NodeTransport.prototype as unknown as Record<string, Opener>;
  for (const name of ["dial", "startTLS", "loadClientCerts"]) {
    if (name in transport) continue;
    throw new Error(`@nats-io/transport-node has no ${name} any more`);
  }
  const { dial } = transport;
  transport.dial = async function (...args) {
    return withErrorListener(await (dial as Opener).apply(this, args));
  };
  transport.startTLS = startTls;
  kept = true;
}

/**
 * In the place of the transport's own, which has nobody listen between the handshake and its
 * return: a server that refuses our certificate says so after the handshake (RFC 8446, section
 * 4.4.2.4), and that may be in this very moment.
 */
async function startTls(this: Transport): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connectTls({
    ...this.options.tls,
    ...await this.loadClientCerts(),
    socket: this.socket,
    servername: this.tlsName,
    rejectUnauthorized: true,
  });
  withErrorListener(socket);
  let failure = new Error("the server has closed the connection");
  socket.on("error", (error) => failure = error);
  socket.on("close", () => reject(failure));
  socket.on("secureConnect", () => {
    socket.removeAllListeners();
    resolve(socket);
  });
  return await promise;
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
