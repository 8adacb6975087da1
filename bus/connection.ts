/**
 * The connection to NATS: how to make it, and what a relay needs to know of its life.
 *
 * Invariants:
 * 1. Once connected, it reconnects forever. Only {@linkcode Connection.close} ends it.
 * 2. `epoch` grows with every loss of the connection. What was published, unconfirmed, in an
 *    earlier epoch may be lost: a publisher that needs it stored must publish it again.
 * 3. Listeners hear of a loss before anything that was published after it can be confirmed.
 *
 * @module
 */
import {
  type Authenticator,
  ClosedConnectionError,
  type ConnectionOptions,
  createInbox,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Status,
  type Subscription,
} from "@nats-io/nats-core";
import type { NatsConnectionImpl } from "@nats-io/nats-core/internal";
import { connect as connectTcp } from "@nats-io/transport-node";
import { isAtLeast, messageOf, NATS_RELEASES_URL, OLDEST_NATS_SERVER } from "@ourocodus/protocol";
import { ConnectError } from "./nats_errors.ts";
import { Requests } from "./nats_js/requests.ts";
import { keepErrorListeners } from "./nats_js/transport_errors.ts";

/** The default of `NATS_URL`. */
export const DEFAULT_NATS_URL = "nats://localhost:4222";

/** The default of `NATS_CONNECT_TIMEOUT`, in milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

/** How to reach and enter NATS. */
export interface ConnectOptions {
  /**
   * One or more servers, separated by commas: `nats://host:4222`, `tls://host`, `host:4222`.
   * Credentials may stand in it: `nats://user:password@host`, `nats://token@host`.
   */
  readonly url?: string;
  /** How this client is called in the server's list of connections. */
  readonly name?: string;
  /** How long the first connection may take, in milliseconds; 5000 by default. */
  readonly timeoutMs?: number;
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** The path of a `.creds` file (user JWT and nkey seed). */
  readonly credsFile?: string;
  /** The path of a PEM file with the certificate authorities to trust; asks for TLS. */
  readonly caFile?: string;
  /** The path of a PEM file with this client's certificate, and of its key; asks for TLS. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** What subjects for answers begin with; `_INBOX` by default. */
  readonly inboxPrefix?: string;
  /** Told of asynchronous errors that the server reports, such as a denied subject. */
  readonly onError?: (error: Error) => void;
  /** Told what a subscription's callback has thrown; by default it is uncaught. */
  readonly onBug?: (thrown: unknown) => void;
}

/** What a {@linkcode Connection} tells its listeners. */
export interface ConnectionListener {
  /** The connection is lost; `epoch` has grown. Nothing may be published until it is back. */
  onLost?(): void;
  /** The connection is back. */
  onRestored?(): void;
}

/**
 * Connects to NATS.
 *
 * @throws {ConnectError} If no server answers within the time-out, refuses us, is older than
 * {@linkcode OLDEST_NATS_SERVER}, or the URL is malformed. The message names the URL, without its credentials.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  keepErrorListeners();
  const url = options.url ?? DEFAULT_NATS_URL;
  const timeoutMs = options.timeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  const target = parseServers(url);
  const settings: ConnectionOptions = {
    servers: shuffled(target.servers),
    // Nor the addresses of a name: of several that fail, the last one's error is told, and that
    // should not be the one of an IPv6 that this machine does not have.
    noRandomize: true,
    name: options.name,
    // The first server may be one that never speaks.
    timeout: Math.ceil(timeoutMs / target.servers.length),
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // A server that hangs is found out after three, before the leases of running work run out.
    pingInterval: 5_000,
    inboxPrefix: options.inboxPrefix,
    ...await credentials(target, options),
  };
  const attempt = connectTcp(settings);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  let nats: NatsConnection;
  try {
    nats = await Promise.race([attempt, expired]);
  } catch (error) {
    attempt.then((late) => late.close(), () => {});
    const why = messageOf(error) || "connection refused";
    throw new ConnectError(`Cannot connect to NATS at ${target.shown}: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const version = nats.info?.version;
  if (version !== undefined && !isAtLeast(version)) {
    await nats.close();
    throw new ConnectError(
      `NATS at ${target.shown} is nats-server ${version}, the oldest that works is ` +
        `${OLDEST_NATS_SERVER}. Get a newer one by "deno task setup", or from ${NATS_RELEASES_URL}`,
    );
  }
  return new Connection(nats, target.shown, options);
}

/** A connection to NATS that knows whether it is up. */
export class Connection {
  /** The underlying client, for publishing. */
  readonly nats: NatsConnection;
  /** Where it leads, without credentials, for messages to people. */
  readonly url: string;
  #epoch = 0;
  #maxPayloadBytes = 1024 * 1024;
  #connected = true;
  #changedAt = new Date();
  readonly #listeners = new Set<ConnectionListener>();
  readonly #onBug: (thrown: unknown) => void;
  readonly #watched: Promise<void>;
  readonly #requests: Requests;

  constructor(
    nats: NatsConnection,
    url: string,
    { onError, onBug = throwUncaught }: Pick<ConnectOptions, "onError" | "onBug"> = {},
  ) {
    this.nats = nats;
    this.url = url;
    this.#onBug = onBug;
    this.#maxPayloadBytes = nats.info?.max_payload ?? this.#maxPayloadBytes;
    this.#requests = new Requests(this);
    this.#watched = this.#watch(nats.status(), onError);
  }

  /** Whether the connection is up, as far as is known; if not, publishing may throw. */
  get connected(): boolean {
    return this.#connected && !this.nats.isClosed();
  }

  /** Since when {@linkcode connected} is as it is. */
  get changedAt(): Date {
    return this.#changedAt;
  }

  /** Whether the server is of a cluster, as far as it has said. */
  get isClustered(): boolean {
    return this.nats.info?.cluster !== undefined;
  }

  /** Grows with every loss of the connection; see the invariants above. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The largest message that the server takes, headers included, in bytes. */
  get maxPayloadBytes(): number {
    // While the connection is lost, the client knows nothing of the server.
    this.#maxPayloadBytes = this.nats.info?.max_payload ?? this.#maxPayloadBytes;
    return this.#maxPayloadBytes;
  }

  /**
   * Writes messages to publish, as NATS' client protocol has them, in place of several calls of
   * `nats.publish`. Use {@linkcode Publications}.
   *
   * @param pieces Together whole messages.
   */
  write(...[first, ...pieces]: [Uint8Array, ...Uint8Array[]]): void {
    // What publish() does with its own bytes, which are kept and sent, or lost, alike.
    (this.nats as NatsConnectionImpl).protocol.sendCommand(first, ...pieces);
  }

  /**
   * Subscribes. What the callback throws is told to `onBug`: nats.js would never read from the
   * connection again, and say so to nobody.
   *
   * @param callback Told of every message, or with an error of why none comes.
   */
  subscribe(subject: string, callback: (error: Error | null, msg: Msg) => void): Subscription {
    return this.nats.subscribe(subject, {
      callback: (error, msg) => {
        try {
          callback(error, msg);
        } catch (thrown) {
          this.#onBug(thrown);
        }
      },
    });
  }

  /**
   * Asks, and waits for the first answer; see {@linkcode Requests.ask}.
   *
   * @param timeoutMs How long to wait for it, in milliseconds.
   */
  async request(subject: string, text: string, timeoutMs: number): Promise<Msg> {
    return await this.#requests.ask(subject, text, timeoutMs);
  }

  /** A new subject for answers, of this connection's own. */
  createInbox(): string {
    return createInbox((this.nats as NatsConnectionImpl).options.inboxPrefix);
  }

  /** Adds a listener. @returns A function that removes it. */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends what is pending, as far as the connection is up, and closes. */
  async close(): Promise<void> {
    this.#listeners.clear();
    if (this.connected) await this.nats.flush().catch(() => {});
    this.#requests.end(new ClosedConnectionError());
    await this.nats.close();
    await this.#watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #watch(statuses: AsyncIterable<Status>, onError?: (error: Error) => void): Promise<void> {
    for await (const status of statuses) {
      if (status.type === "disconnect") this.#lost();
      else if (status.type === "reconnect") this.#restored();
      else if (status.type === "error") {
        onError?.(status.error);
        this.#refused(status.error);
      }
    }
  }

  #refused(error: Error): void {
    if (!(error instanceof PermissionViolationError) || error.operation !== "publish") return;
    this.#requests.denied(error);
  }

  #lost(): void {
    this.#connected = false;
    this.#changedAt = new Date();
    this.#epoch++;
    for (const listener of this.#listeners) listener.onLost?.();
  }

  #restored(): void {
    this.#connected = true;
    this.#changedAt = new Date();
    for (const listener of this.#listeners) listener.onRestored?.();
  }
}

function throwUncaught(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

interface Servers {
  readonly servers: string[];
  /** The same for people to read: with scheme, without credentials. */
  readonly shown: string;
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
}

function parseServers(text: string): Servers {
  const urls = text.split(",").map((part) => part.trim()).filter((part) => part !== "")
    .map((part) => parseServer(part, text));
  const [first] = urls;
  if (first === undefined) throw new ConnectError(`NATS URL is empty, like ${DEFAULT_NATS_URL}`);
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || "4222"}`),
    shown: urls.map((url) => `${url.protocol}//${url.host}`).join(","),
    tls: urls.some((url) => url.protocol === "tls:"),
    user: decode(first.username) || undefined,
    password: decode(first.password) || undefined,
  };
}

function parseServer(part: string, whole: string): URL {
  const text = part.includes("://") ? part : `nats://${part}`;
  // A URL of an unknown scheme may not have a host; http parses what follows like any authority.
  const scheme = text.slice(0, text.indexOf("://"));
  // Whatever stands before the last @ may be a password, or what is left of one.
  const shown = whole.replace(/^(\w+:\/\/)?.*@/s, "$1***@");
  if (scheme !== "nats" && scheme !== "tls") {
    throw new ConnectError(`NATS URL is "${shown}": scheme is "${scheme}", allowed are nats, tls`);
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "") {
    throw new ConnectError(`NATS URL is "${shown}": not a URL like ${DEFAULT_NATS_URL}`);
  }
  return url;
}

/** A part of a URL as it was meant; one with a bare `%` in it is meant as it stands. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** In an order of chance, so that clients spread over a cluster. */
function shuffled(servers: readonly string[]): string[] {
  const order = servers.map((server) => ({ server, place: Math.random() }));
  return order.sort((a, b) => a.place - b.place).map(({ server }) => server);
}

async function credentials(target: Servers, options: ConnectOptions): Promise<ConnectionOptions> {
  const user = options.user ?? target.user;
  const password = options.password ?? target.password;
  // As in NATS' own tools, a user without a password is a token.
  const token = options.token ?? (password === undefined ? user : undefined);
  const authenticator = await credsFile(options.credsFile);
  const files = { caFile: options.caFile, certFile: options.certFile, keyFile: options.keyFile };
  const tls = target.tls || Object.values(files).some((file) => file !== undefined);
  return {
    ...(authenticator && { authenticator }),
    ...(!authenticator && token !== undefined && { token }),
    ...(!authenticator && token === undefined && user !== undefined && { user, pass: password }),
    ...(tls && { tls: files }),
  };
}

async function credsFile(path: string | undefined): Promise<Authenticator | undefined> {
  if (path === undefined) return undefined;
  try {
    return credsAuthenticator(await Deno.readFile(path));
  } catch (error) {
    throw new ConnectError(`Cannot read credentials from "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
