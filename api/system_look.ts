/**
 * A look at all relays and streams, shared by requests that come at about the same time.
 *
 * @module
 */
import { ConnectError, type Connection, logBounds } from "@ourocodus/bus";
import { askRelays, type RelayDirectory, type StreamNumbers, streamNumbers } from "@ourocodus/ops";
import { SharedAnswer } from "./shared_answer.ts";

/** What is in the streams, and where the log begins and ends. */
export interface StreamsSample {
  readonly numbers: StreamNumbers;
  readonly bounds: { readonly first: number; readonly last: number };
}

/** How long a look is shared, in milliseconds. */
const SHARE_MS = 500;
/** So long NATS may take: who asks for the health waits about a second. */
const TIMEOUT_MS = 900;
/** So long relays may take. */
const RELAYS_TIMEOUT_MS = 700;

/** Looks. */
export class SystemLook {
  readonly #streams: SharedAnswer<StreamsSample>;
  readonly #directory: SharedAnswer<RelayDirectory>;

  constructor(connection: Connection) {
    const away = (why: string) => new ConnectError(`NATS at ${connection.url} ${why}`);
    const options = {
      shareMs: SHARE_MS,
      timeoutMs: TIMEOUT_MS,
      late: () => away(`does not answer within ${TIMEOUT_MS} ms`),
    };
    const whileConnected = <T>(ask: () => Promise<T>) => async () => {
      if (!connection.connected) throw away("is away");
      return await ask();
    };
    this.#streams = new SharedAnswer(
      whileConnected(async () => {
        const asked = [streamNumbers(connection), logBounds(connection)] as const;
        const [numbers, bounds] = await Promise.all(asked);
        return { numbers, bounds };
      }),
      options,
    );
    this.#directory = new SharedAnswer(
      whileConnected(async () => {
        // Without a server that answers, it is not known that there is no relay.
        const asked = [
          askRelays(connection, { work: true }, { timeoutMs: RELAYS_TIMEOUT_MS }),
          connection.nats.flush(),
        ] as const;
        const [directory] = await Promise.all(asked);
        return directory;
      }),
      options,
    );
  }

  /**
   * The streams, as of now or a moment ago.
   *
   * @throws {ConnectError} If NATS is away, or does not answer in time.
   * @throws {StreamError} If the streams cannot be asked.
   */
  async streams(): Promise<StreamsSample> {
    return await this.#streams.get();
  }

  /**
   * The relays and their agents, as of now or a moment ago.
   *
   * @returns Empty if there is no relay, or none answered in time.
   * @throws {ConnectError} If NATS is away.
   */
  async directory(): Promise<RelayDirectory> {
    return await this.#directory.get();
  }
}
