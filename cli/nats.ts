/**
 * The connection to NATS that a command uses.
 *
 * @module
 */
import { runningSystem, unlessAborted } from "@ourocodus/system";
import {
  connect,
  ConnectError,
  type Connection,
  ensureStreams,
  lastLogSequence,
  natsSettings,
  StreamError,
  streamSettings,
} from "@ourocodus/bus";
import type { Console } from "./console.ts";
import { UsageError } from "./usage_error.ts";

/** Options of {@linkcode connectNats}. */
export interface ConnectNatsOptions {
  /** Of `--nats`; `NATS_URL`, then a running system's, then nats://localhost:4222 stand in. */
  readonly url: string | undefined;
  /** Whether to say so when the connection is lost, and when it is back. */
  readonly announce?: boolean;
}

/**
 * Connects.
 *
 * @throws {ConnectError} If no server answers, or it refuses us.
 * @throws {UsageError} If the flag's value is no URL of NATS.
 * @throws {SettingError} If a setting in the environment cannot be used.
 */
export async function connectNats(
  console: Console,
  options: ConnectNatsOptions,
): Promise<Connection> {
  const settings = natsSettings(console.env);
  const url = options.url ?? settings.url ?? (await runningSystem(console.env))?.natsUrl;
  const connecting = connect({
    ...settings,
    url,
    name: "ourocodus cli",
  });
  const connection = await unlessAborted(connecting, console.signal).catch((error) => {
    throw error instanceof ConnectError ? explained(error, options) : error;
  });
  if (options.announce) {
    connection.listen({
      onLost: () => void console.err.write(`connection to ${connection.url} lost, waiting\n`),
      onRestored: () => void console.err.write(`connected to ${connection.url} again\n`),
    });
  }
  return connection;
}

/** {@linkcode connectNats}, with a log to read. @throws {StreamError} As {@linkcode ensureLog}. */
export async function connectToLog(
  console: Console,
  { nats, announce }: { readonly nats?: string; readonly announce?: boolean },
): Promise<Connection> {
  const connection = await connectNats(console, { url: nats, announce });
  try {
    await ensureLog(console, connection);
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** Blames the flag for what is no URL of NATS; says how to start a server where none listens. */
function explained(error: ConnectError, { url }: ConnectNatsOptions): Error {
  const { message } = error;
  const [, wrong] = /^NATS URL (.*)$/s.exec(message) ?? [];
  if (url !== undefined && wrong !== undefined) {
    return new UsageError(`--nats ${wrong}`, { cause: error });
  }
  if (!message.endsWith(": connection refused")) return error;
  return new ConnectError(`${message}. "ourocodus start" starts one`, { cause: error });
}

/**
 * Makes sure that there is a log to read, making it if no relay has done so yet.
 *
 * @returns The sequence of its newest message.
 * @throws {StreamError} If there is none and it cannot be made.
 */
export async function ensureLog(console: Console, connection: Connection): Promise<number> {
  try {
    return await lastLogSequence(connection);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    // It is the better at saying what is wrong, too.
    await ensureStreams(connection, streamSettings(console.env));
    return await lastLogSequence(connection);
  }
}
