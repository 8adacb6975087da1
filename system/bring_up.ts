/**
 * Starting the parts of the system one after the other, each when the one before is healthy; and
 * stopping again what was started if one does not become so.
 *
 * @module
 */
import { messageOf, pause } from "@ourocodus/protocol";
import { ControlClient, SHOWN_LINES } from "./control_client.ts";
import type { Home } from "./home.ts";
import { lastLines, sizeOf } from "./log_file.ts";
import { exitText, type ProcessView } from "./process_spec.ts";
import { partSpec, SYSTEM_PARTS, type SystemPart, type SystemSettings } from "./system_parts.ts";
import { SystemError } from "./system_error.ts";
import { unlessAborted } from "./unless_aborted.ts";

/** Options of {@linkcode bringUp}. */
export interface BringUpOptions {
  /** The environment that parts start from. */
  readonly environment: Readonly<Record<string, string>>;
  /** Gives up, and stops what was started. */
  readonly signal: AbortSignal;
  /** Told of each part that is healthy. */
  readonly onHealthy: (part: HealthyPart) => void;
}

/** A part that runs. */
export interface HealthyPart {
  readonly part: SystemPart;
  readonly view: ProcessView;
  readonly version: string;
  /** Whether it ran before. */
  readonly ran: boolean;
}

/** How long a part may take to be healthy, in milliseconds: the first start may fetch packages. */
const HEALTHY_MS = 60_000;
/** The same for one that runs already. */
const RAN_HEALTHY_MS = 10_000;
const LOOK_MS = 50;

/**
 * Starts every part that does not run. If somebody else is about to, that is waited for.
 *
 * @returns Whether anything was started.
 * @throws {SystemError} If a port is in use, or a part ends or does not become healthy; with the
 * end of its log. What was started is stopped by then.
 */
export async function bringUp(
  client: ControlClient,
  settings: SystemSettings,
  options: BringUpOptions,
): Promise<boolean> {
  const started: string[] = [];
  using _lock = await lockStart(settings.home, options.signal);
  try {
    for (const part of SYSTEM_PARTS) {
      const { ran, logFrom } = await start(client, part, settings, options);
      if (!ran) started.push(part.name);
      const healthy = await untilHealthy(client, part, { logFrom, ran, signal: options.signal });
      options.onHealthy({ part, ran, ...healthy });
    }
    return started.length > 0;
  } catch (error) {
    await takeDown(client, started);
    throw error;
  }
}

async function lockStart(home: Home, signal: AbortSignal): Promise<Disposable> {
  const file = await Deno.open(home.startLock, { create: true, write: true, mode: 0o600 });
  try {
    while (!await file.tryLock(true)) {
      signal.throwIfAborted();
      await pause(LOOK_MS, signal);
    }
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Stops processes, and waits until that is done. */
export async function takeDown(client: ControlClient, names: readonly string[]): Promise<void> {
  if (names.length === 0) return endIfIdle(client);
  await client.ask({ type: "stop", names, options: { now: true } });
  while ((await client.list())?.some(({ spec }) => names.includes(spec.name))) await pause(LOOK_MS);
}

/** Ends a supervisor that was started for what did not come to be. */
export async function endIfIdle(client: ControlClient): Promise<void> {
  if ((await client.list())?.length === 0) await client.ask({ type: "end", options: {} });
}

async function start(
  client: ControlClient,
  part: SystemPart,
  settings: SystemSettings,
  { environment }: BringUpOptions,
): Promise<{ ran: boolean; logFrom: number }> {
  const spec = partSpec(part, settings);
  const there = (await client.list())?.find(({ spec }) => spec.name === part.name);
  if (there !== undefined && there.status !== "exited") return { ran: true, logFrom: 0 };
  checkPort(part, settings);
  await part.prepare?.(settings);
  const logFrom = await sizeOf(spec.log);
  await client.ask({ type: "start", specs: [spec], environment });
  return { ran: false, logFrom };
}

function checkPort(part: SystemPart, settings: SystemSettings): void {
  const port = part.port(settings);
  const hostname = part.host(settings);
  try {
    Deno.listen({ hostname, port }).close();
  } catch (error) {
    const why = error instanceof Deno.errors.AddrInUse
      ? `it is in use. End what uses it, or choose another with ${part.portFlag}`
      : messageOf(error);
    throw new SystemError(
      `Cannot start ${part.name} on ${hostname} port ${port}: ${why}`,
      { cause: error },
    );
  }
}

async function untilHealthy(
  client: ControlClient,
  part: SystemPart,
  { logFrom, ran, signal }: {
    readonly logFrom: number;
    readonly ran: boolean;
    readonly signal: AbortSignal;
  },
): Promise<{ view: ProcessView; version: string }> {
  const limitMs = ran ? RAN_HEALTHY_MS : HEALTHY_MS;
  for (const deadline = performance.now() + limitMs; performance.now() < deadline;) {
    signal.throwIfAborted();
    const view = (await client.list())?.find(({ spec }) => spec.name === part.name);
    if (view === undefined) throw new SystemError(`${part.name} was stopped meanwhile`);
    if (view.status === "exited") throw await failure(view, logFrom);
    const health = await unlessAborted(part.health(view.spec), signal);
    if (health !== undefined && view.identity !== undefined) {
      await client.ask({ type: "ready", names: [part.name] });
      return { view, version: health.version };
    }
    await pause(LOOK_MS, signal);
  }
  const view = (await client.list())?.find(({ spec }) => spec.name === part.name);
  if (ran && view !== undefined) {
    throw new SystemError(
      `${part.name} runs already (pid ${view.identity?.pid}), and does not say within ` +
        `${
          limitMs / 1_000
        } s that it is well. Its log is ${view.spec.log}; "ourocodus stop --now" ` +
        `ends it`,
    );
  }
  throw new SystemError(`${part.name} was not healthy within ${limitMs / 1_000} s`, {
    lines: view === undefined ? [] : await lastLines(view.spec.log, SHOWN_LINES, { from: logFrom }),
  });
}

/** Says how a process ended, with the end of its log. @param from Where its last run begins. */
export async function failure(view: ProcessView, from = 0): Promise<SystemError> {
  const { name, log } = view.spec;
  const how = view.exit === undefined ? "" : ` ${exitText(view.exit)}`;
  return new SystemError(`${name} ended${how}. The end of ${log}:`, {
    lines: await lastLines(log, SHOWN_LINES, { from }),
  });
}
