/**
 * The JetStream streams: `OUROCODUS_WORK`, a work queue that holds a work item until its outcome is
 * stored; `OUROCODUS_LOG`, which keeps outcomes, events, dead letters and a copy of each work item
 * for a while; and `OUROCODUS_SETTINGS`, which keeps what people have set until they change it. The server makes the copies itself (`republish`, NATS' ADR-28), so the log has all work
 * in the order in which it was stored. In the same way it publishes each stored outcome to subscribers.
 *
 * Any number of processes may ensure them at once: creating a stream that exists with the same
 * settings is no error, and one that exists with other limits is left as it is, unless a limit was
 * asked for explicitly.
 *
 * @module
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import {
  nanos,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/nats-core";
import {
  ALL_RESULTS,
  bytes,
  duration,
  type Environment,
  integer,
  LOG_STREAM,
  LOG_SUBJECTS,
  messageOf,
  NEWER_LOG_SUBJECTS,
  OUTCOME_COPIES,
  parseObject,
  pause,
  readSettings,
  RELAYS_AGENTS_SUBJECT,
  SETTINGS_STREAM,
  SETTINGS_SUBJECTS,
  textSetting,
  WORK_COPIES,
  WORK_STREAM,
  WORK_SUBJECTS,
} from "@ourocodus/protocol";
import { askMany } from "./ask_many.ts";
import type { Connection } from "./connection.ts";
import { StreamError } from "./nats_errors.ts";

const SIZES = {
  range: [-1, Number.MAX_SAFE_INTEGER],
  allowed: "any size, or -1: no limit",
} as const;

/** The settings of the streams. */
export const STREAM_SETTINGS = {
  logMaxAgeMs: duration(
    "OUROCODUS_LOG_MAX_AGE",
    "how long results, events and dead letters are kept",
    { fallback: "7d", range: ["1s", "3650d"] },
  ),
  logMaxBytes: bytes("OUROCODUS_LOG_MAX_BYTES", "maximum bytes of them, the oldest go first", {
    ...SIZES,
    fallback: "1GB",
  }),
  workMaxBytes: bytes(
    "OUROCODUS_WORK_MAX_BYTES",
    "maximum bytes of work that waits, more is refused",
    { ...SIZES, fallback: -1 },
  ),
  replicas: integer(
    "OUROCODUS_REPLICAS",
    "on how many servers of a NATS cluster each stream is kept",
    { fallback: 1, range: [1, 5] },
  ),
};

/** What applies to a new stream where nothing is set. */
const DEFAULTS = readSettings(STREAM_SETTINGS, new Map());

/** Limits of the streams. Those left out are the default for a new stream, and whatever an existing one has. */
export type StreamLimits = Partial<typeof DEFAULTS>;

/** What {@linkcode ensureStreams} found or made. */
export interface Streams {
  readonly work: StreamInfo;
  readonly log: StreamInfo;
  readonly settings: StreamInfo;
}

/** Options of {@linkcode ensureStreams}. */
export interface EnsureOptions {
  /** Whether to change a log that a version before has made to today's subjects; relays do. */
  readonly upgrade?: boolean;
}

const DUPLICATE_WINDOW_MS = 120_000;

/**
 * Reads those of {@linkcode STREAM_SETTINGS} that are set; the others are `undefined`.
 *
 * @throws {SettingError} If one has a value that cannot be used.
 */
export function streamSettings(env: Environment): StreamLimits {
  const read = Object.entries(readSettings(STREAM_SETTINGS, env));
  const isSet = (key: string) =>
    textSetting(env, STREAM_SETTINGS[key as keyof StreamLimits].variable) !== undefined;
  return Object.fromEntries(read.map(([key, value]) => [key, isSet(key) ? value : undefined]));
}

/**
 * Makes the streams where they don't exist, checks them where they do, and sets the limits
 * that were asked for.
 *
 * @throws {StreamError} If the server has no JetStream, a stream exists with settings under which
 * our promises don't hold, or it cannot be made. The message says what to change.
 */
export async function ensureStreams(
  connection: Connection,
  limits: StreamLimits = {},
  { upgrade = false }: EnsureOptions = {},
): Promise<Streams> {
  let manager: JetStreamManager;
  try {
    manager = await jetstreamManager(connection.nats);
  } catch (error) {
    throw noJetStream(connection, error);
  }
  const replicas = { num_replicas: limits.replicas ?? DEFAULTS.replicas };
  // First the log, so that the first work item finds it for its copy.
  const maxAge = limits.logMaxAgeMs === undefined ? undefined : nanos(limits.logMaxAgeMs);
  const log = await ensureStream(
    connection,
    manager,
    {
      name: LOG_STREAM,
      description: "Ourocodus: outcomes, events, attempts, dead letters and copies of work",
      subjects: [...LOG_SUBJECTS],
      republish: OUTCOME_COPIES,
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      allow_direct: true,
      duplicate_window: nanos(Math.min(DUPLICATE_WINDOW_MS, limits.logMaxAgeMs ?? Infinity)),
      max_age: maxAge ?? nanos(DEFAULTS.logMaxAgeMs),
      max_bytes: limits.logMaxBytes ?? DEFAULTS.logMaxBytes,
      ...replicas,
    },
    given({ max_age: maxAge, max_bytes: limits.logMaxBytes, num_replicas: limits.replicas }),
    upgrade,
  );
  const work = await ensureStream(connection, manager, {
    name: WORK_STREAM,
    description: "Ourocodus: work that has no result yet",
    subjects: [WORK_SUBJECTS],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_direct: true,
    republish: WORK_COPIES,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    max_bytes: limits.workMaxBytes ?? DEFAULTS.workMaxBytes,
    ...replicas,
  }, given({ max_bytes: limits.workMaxBytes, num_replicas: limits.replicas }));
  const settings = await ensureStream(connection, manager, {
    name: SETTINGS_STREAM,
    description: "Ourocodus: what people have set, such as budgets",
    subjects: [SETTINGS_SUBJECTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    allow_direct: true,
    max_msgs_per_subject: 1,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    ...replicas,
  }, given({ num_replicas: limits.replicas }));
  return { work, log, settings };
}

async function ensureStream(
  connection: Connection,
  manager: JetStreamManager,
  wanted: Partial<StreamConfig> & { name: string },
  asked: Partial<StreamConfig>,
  upgrade = false,
): Promise<StreamInfo> {
  try {
    let found = await findStream(manager, wanted.name) ?? await makeStream(manager, wanted);
    if (isOldLog(found)) {
      if (!upgrade) return found;
      found = await upgradeLog(connection, manager, found);
    } else if (lacksNewer(found)) {
      if (!upgrade) return found;
      const subjects = [...new Set([...found.config.subjects, ...NEWER_LOG_SUBJECTS])];
      found = await manager.streams.update(LOG_STREAM, { subjects });
    } else if (wanted.republish !== undefined && found.config.republish === undefined) {
      // Of a version that kept no copies of work.
      const { name, republish } = wanted;
      found = await manager.streams.update(name, { republish });
    }
    checkPromises(found.config, wanted);
    return await withLimits(manager, found, asked);
  } catch (error) {
    if (error instanceof StreamError) throw error;
    if (isNoJetStream(error)) throw noJetStream(connection, error);
    throw new StreamError(`Cannot use stream ${wanted.name}: ${messageOf(error)}${advice(error)}`, {
      cause: error,
      passing: isPassing(error),
    });
  }
}

async function findStream(
  manager: JetStreamManager,
  name: string,
): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/** Makes a stream, or finds the one that another process makes at the same time. */
async function makeStream(
  manager: JetStreamManager,
  wanted: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo> {
  for (let attempt = 1;; attempt++) {
    try {
      return await manager.streams.add(wanted);
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || !MADE_AT_ONCE.includes(error.code)) throw error;
      const found = await findStream(manager, wanted.name);
      if (found !== undefined) return found;
      if (attempt === MAKE_ATTEMPTS) throw error;
      await pause(MAKE_RETRY_MS);
    }
  }
}

async function withLimits(
  manager: JetStreamManager,
  found: StreamInfo,
  asked: Partial<StreamConfig>,
): Promise<StreamInfo> {
  const current = found.config as unknown as Record<string, unknown>;
  const changed = Object.entries(asked).some(([name, value]) => current[name] !== value);
  if (!changed) return found;
  const age = asked.max_age ?? 0;
  const window = age > 0 ? Math.min(found.config.duplicate_window, age) : undefined;
  return await manager.streams.update(found.config.name, {
    ...asked,
    ...(window !== undefined && { duplicate_window: window }),
  });
}

/** Whether a version before has made this log: it captures results where subscribers hear them. */
function isOldLog({ config: { name, subjects } }: StreamInfo): boolean {
  return name === LOG_STREAM && subjects.includes(ALL_RESULTS);
}

/** Whether this log is of a version before, and lacks some of today's subjects, but none of before. */
function lacksNewer({ config: { name, subjects } }: StreamInfo): boolean {
  const missing = LOG_SUBJECTS.filter((subject) => !subjects.includes(subject));
  const are = missing.every((subject) => NEWER_LOG_SUBJECTS.includes(subject));
  return name === LOG_STREAM && missing.length > 0 && are;
}

/**
 * Gives a log that a version before has made today's subjects. The outcomes that it holds stay. Relays
 * of that version could store nothing from here on, so none may be there.
 */
async function upgradeLog(
  connection: Connection,
  manager: JetStreamManager,
  { config }: StreamInfo,
): Promise<StreamInfo> {
  const old = new Set<string>();
  await askMany(connection, RELAYS_AGENTS_SUBJECT, [{ session: "" }], {
    waitMs: RELAYS_MS,
    onAnswer: (answer) => {
      const { relay_id, fence } = parseObject(answer.string()) ?? {};
      if (typeof relay_id === "string" && fence !== true) old.add(relay_id);
      return false;
    },
  });
  if (old.size > 0) {
    throw new StreamError(
      `Stream ${LOG_STREAM} is of a version before, whose relays still run: ${
        [...old].join(", ")
      }. ` +
        "They could not store results in the upgraded stream: stop them, and start again",
    );
  }
  const kept = config.subjects.filter((subject) => subject !== ALL_RESULTS);
  const subjects = [...new Set([...kept, ...LOG_SUBJECTS])];
  return await manager.streams.update(LOG_STREAM, { subjects, republish: OUTCOME_COPIES });
}

/** Refuses an existing stream whose settings would break a promise. */
function checkPromises(found: StreamConfig, wanted: Partial<StreamConfig>): void {
  const wrong: string[] = [];
  const expect = (name: keyof StreamConfig, ok: boolean, want: unknown) => {
    if (!ok) wrong.push(`${name} is ${JSON.stringify(found[name])}, needed is ${want}`);
  };
  const subjects = wanted.subjects ?? [];
  expect(
    "subjects",
    subjects.every((subject) => found.subjects.includes(subject)),
    JSON.stringify(subjects),
  );
  const { src, dest } = wanted.republish ?? {};
  const republishes = found.republish?.src === src && found.republish?.dest === dest;
  expect("republish", republishes, JSON.stringify(wanted.republish));
  expect("retention", found.retention === wanted.retention, `"${wanted.retention}"`);
  expect("discard", found.discard === wanted.discard, `"${wanted.discard}"`);
  if (wanted.name === WORK_STREAM) {
    expect("max_age", found.max_age === 0, "0");
    expect("max_msgs_per_subject", found.max_msgs_per_subject <= 0, "-1");
  }
  if (wanted.name === SETTINGS_STREAM) {
    expect("max_age", found.max_age === 0, "0");
    expect("max_bytes", found.max_bytes <= 0, "-1");
    expect("max_msgs", found.max_msgs <= 0, "-1");
    expect("max_msgs_per_subject", found.max_msgs_per_subject === 1, "1");
  }
  expect("no_ack", !found.no_ack, "false");
  expect("sealed", !found.sealed, "false");
  expect("allow_direct", found.allow_direct === true, "true");
  if (wrong.length === 0) return;
  throw new StreamError(
    `Stream ${found.name} exists with other settings: ${wrong.join("; ")}. ` +
      `Change them (nats stream edit ${found.name}), or remove the stream if nothing in it is ` +
      `needed (nats stream rm ${found.name}), and start again`,
  );
}

/** How long relays have to say that they are there, in milliseconds. */
const RELAYS_MS = 1_000;
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;
const SUBJECTS_OVERLAP = 10065;
const STREAM_NOT_MADE = 10049;
/**
 * What a server answers who makes a stream while another does: it looks for the name first and for
 * subjects and files that are taken later, and finds those of the same stream.
 */
const MADE_AT_ONCE = [STREAM_NAME_IN_USE, SUBJECTS_OVERLAP, STREAM_NOT_MADE];
const MAKE_ATTEMPTS = 4;
const MAKE_RETRY_MS = 50;
const INSUFFICIENT_RESOURCES = [10023, 10028, 10047];
const NO_SUITABLE_PEERS = [10005, 10074];
const JETSTREAM_NOT_ENABLED = [10039, 10076];
const TEMPORARILY_UNAVAILABLE = 10008;

/** Whether JetStream, or a stream, has no leader just now. */
function isPassing(error: unknown): boolean {
  return error instanceof TimeoutError ||
    (error instanceof JetStreamApiError && error.code === TEMPORARILY_UNAVAILABLE);
}

function advice(error: unknown): string {
  if (isPassing(error)) return NO_LEADER;
  if (!(error instanceof JetStreamApiError)) return "";
  if (error.code === SUBJECTS_OVERLAP) {
    return `. Another stream already takes these subjects: find it with "nats stream ls" and ` +
      `narrow its subjects or remove it`;
  }
  if (INSUFFICIENT_RESOURCES.includes(error.code)) {
    return `. Lower OUROCODUS_LOG_MAX_BYTES, or raise the server's jetstream max_file_store`;
  }
  if (NO_SUITABLE_PEERS.includes(error.code)) {
    return `. OUROCODUS_REPLICAS asks for more servers than the NATS cluster has`;
  }
  return "";
}

/** Whether a user may not ask, or not hear the answer; nats.js wraps the latter. */
function isDenied(error: unknown): boolean {
  return error instanceof PermissionViolationError ||
    (error instanceof Error && error.cause instanceof PermissionViolationError);
}

function isNoJetStream(error: unknown): boolean {
  // nats.js does not export its JetStreamNotEnabled, so its name has to do.
  return (error instanceof Error && error.name === "JetStreamNotEnabled") ||
    error instanceof NoRespondersError ||
    (error instanceof JetStreamApiError && JETSTREAM_NOT_ENABLED.includes(error.code));
}

const NO_LEADER = ". A cluster answers once its servers have chosen a leader: try again, and see " +
  "whether more than half of them run";

function noJetStream(connection: Connection, cause: unknown): StreamError {
  if (isPassing(cause)) {
    const message = `Cannot use JetStream on NATS at ${connection.url}: ${messageOf(cause)}`;
    return new StreamError(`${message}${NO_LEADER}`, { cause, passing: true });
  }
  const why = isNoJetStream(cause) ? "JetStream is not enabled" : messageOf(cause);
  const remedy = isDenied(cause)
    ? "Its user needs this permission; answers come to the subjects that NATS_INBOX_PREFIX begins"
    : "Start nats-server with JetStream (nats-server -js), and enable it for the account in use";
  const message = `Cannot use JetStream on NATS at ${connection.url}: ${why}`;
  return new StreamError(`${message}. ${remedy}`, { cause });
}

function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
