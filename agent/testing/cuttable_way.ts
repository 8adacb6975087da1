/** A way to a local port that can be cut, so that both ends lose their connection. */
export class CuttableWay implements AsyncDisposable {
  readonly #port: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();
  /** Whether new connections are closed, too. */
  isShut = false;

  /** @param port Where it leads. */
  constructor(port: number) {
    this.#port = port;
    this.#tasks.add(this.#accept());
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Closes every connection; new ones are taken, unless it is shut. */
  cut(): void {
    for (const connection of this.#open) this.#close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#tasks);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      if (this.isShut) {
        near.close();
        continue;
      }
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      this.#open.add(near).add(far);
      this.#tasks.add(this.#copy(near, far)).add(this.#copy(far, near));
    }
  }

  async #copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        let written = 0;
        while (written < read) written += await to.write(buffer.subarray(written, read));
      }
    } catch {
      // Cut.
    }
    this.#close(from);
    this.#close(to);
  }

  #close(connection: Deno.Conn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
