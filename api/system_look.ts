/**
 * A look at all relays and streams, shared by requests that come at about the same time.
 *
 * @module
 */
import {
  askRelays,
  type Connection,
  logBounds,
  type RelayDirectory,
  type StreamNumbers,
  streamNumbers,
} from "@ourocodus/bus";

/** What there is. */
export interface SystemSample {
  readonly numbers: StreamNumbers;
  readonly bounds: { readonly first: number; readonly last: number };
  readonly directory: RelayDirectory;
}

/** For so long a look is shared, in milliseconds. */
const SHARED_MS = 500;
const TIMEOUT_MS = 1_500;

/** Looks. */
export class SystemLook {
  readonly #connection: Connection;
  #sample: Promise<SystemSample> | undefined;
  #at = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What there is, as of now or a moment ago. @throws {Error} If NATS does not answer in time. */
  async sample(): Promise<SystemSample> {
    const now = performance.now();
    if (this.#sample === undefined || now - this.#at > SHARED_MS) {
      this.#at = now;
      const sample = this.#look();
      this.#sample = sample;
      // A failure is not shared any longer than until it is known.
      sample.catch(() => {
        if (this.#sample === sample) this.#sample = undefined;
      });
    }
    return await this.#sample;
  }

  async #look(): Promise<SystemSample> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const { url } = this.#connection;
      const fail = () =>
        reject(new Error(`NATS at ${url} does not answer within ${TIMEOUT_MS} ms`));
      timer = setTimeout(fail, TIMEOUT_MS);
    });
    const asked = Promise.all([
      streamNumbers(this.#connection),
      logBounds(this.#connection),
      askRelays(this.#connection, { work: true }, { timeoutMs: 1_000 }),
    ]);
    asked.catch(() => {});
    try {
      const [numbers, bounds, directory] = await Promise.race([asked, late]);
      return { numbers, bounds, directory };
    } finally {
      clearTimeout(timer);
    }
  }
}
