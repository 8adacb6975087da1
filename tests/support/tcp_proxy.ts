/** A TCP proxy on 127.0.0.1 whose connections a test can cut or hold up. */
export class TcpProxy implements AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  readonly #target: number;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #pumps = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #cut = false;
  #paused: PromiseWithResolvers<void> | undefined;

  /** Use {@linkcode startProxy}. */
  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** How many connections lead through it now. */
  get connections(): number {
    return this.#open.size / 2;
  }

  /** Breaks every connection, and each new one at once, until {@linkcode heal}. */
  cut(): void {
    this.#cut = true;
    for (const connection of this.#open) close(connection);
  }

  /** Holds up what is sent in either direction, and new connections, until {@linkcode heal}. */
  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  /** Ends what {@linkcode cut} and {@linkcode pause} began; what was held up is passed on. */
  heal(): void {
    this.#cut = false;
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Breaks every connection and listens no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#paused?.resolve();
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#pumps);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const served = this.#serve(client).finally(() => this.#pumps.delete(served));
      this.#pumps.add(served);
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    await this.#paused?.promise;
    if (this.#cut) return close(client);
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      return close(client);
    }
    if (this.#cut) {
      close(client);
      return close(server);
    }
    this.#open.add(client).add(server);
    await Promise.all([this.#pump(client, server), this.#pump(server, client)]);
    this.#open.delete(client);
    this.#open.delete(server);
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (
        let length = await from.read(buffer);
        length !== null;
        length = await from.read(buffer)
      ) {
        await this.#paused?.promise;
        let part = buffer.subarray(0, length);
        while (part.length > 0) part = part.subarray(await to.write(part));
      }
    } catch {
      // One of the two is gone.
    }
    close(from);
    close(to);
  }
}

/**
 * Starts a proxy to a port of 127.0.0.1.
 *
 * @param targetPort Where it leads; nobody need listen there yet.
 * @returns The proxy; dispose of it with `await using`.
 */
export function startProxy(targetPort: number): TcpProxy {
  return new TcpProxy(targetPort);
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
