/**
 * Keeps a set of processes running and stops them in order. Knows nothing of what they are: that
 * is in their specs, and with the command that asks for them.
 *
 * Invariants:
 * 1. There is one supervisor for a home: it holds the lock as long as it lives, and the system
 *    releases the lock however it ends.
 * 2. The state file names everything that it has started and that may still run; it is written
 *    again if somebody else changes or removes it, or if that could not be done before.
 * 3. It ends when it is told to, when nothing is left to keep, or when its home has been removed or
 *    moved, in which nobody would find it any more; and by then nothing runs.
 * 4. The state file of a home that was put in the place of its own is left alone.
 *
 * @module
 */
import { pause, VERSION } from "@ourocodus/protocol";
import { ControlClient } from "./control_client.ts";
import type { ControlRequest } from "./control_request.ts";
import { type ControlServer, serveControl } from "./control_server.ts";
import { type Home, logPath, makeHome } from "./home.ts";
import { identifyHome, identifyLock } from "./home_identity.ts";
import { type KeeperOptions, KeptProcess, type StopOptions } from "./kept_process.ts";
import { addLogEntry, boundLog } from "./log_file.ts";
import { environmentOf, identify, isAlive } from "./process_identity.ts";
import type { ProcessSpec, ProcessView } from "./process_spec.ts";
import { forgetAgents } from "./remembered_agents.ts";
import {
  FORMAT,
  readState,
  removeState,
  stateStamp,
  type SupervisorRecord,
  writeState,
} from "./state_file.ts";
import { SUPERVISOR, supervisorLog } from "./supervisor_log.ts";
import { SystemError } from "./system_error.ts";

/** Options of {@linkcode Supervisor.begin}. */
export interface SupervisorOptions
  extends Pick<KeeperOptions, "backoffBaseMs" | "backoffCapMs" | "settledMs"> {
  /** The environment of processes that are taken over where theirs cannot be read. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How often to look at the logs' sizes, and whether the home is there, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
/** How often to try for the lock, which one that ends may hold for a moment; and the pause, in ms. */
const LOCK_TRIES = 10;
const LOCK_PAUSE_MS = 50;

/** Keeps the processes of one home running. */
export class Supervisor {
  /** Settles when it has ended; nothing that it kept runs by then. */
  readonly ended: Promise<void>;
  readonly #home: Home;
  readonly #options: SupervisorOptions;
  readonly #lock: Deno.FsFile;
  readonly #kept = new Map<string, KeptProcess>();
  readonly #end = Promise.withResolvers<void>();
  #record: SupervisorRecord | undefined;
  /** What it wrote last; undefined if that failed. */
  #written: string | undefined;
  #writeFails = false;
  #control: ControlServer | undefined;
  #looking: ReturnType<typeof setInterval> | undefined;
  #ending = false;

  /**
   * Takes the home, and over what an earlier supervisor has left running there.
   *
   * @throws {SystemError} If another supervisor has the home.
   */
  static async begin(home: Home, options: SupervisorOptions): Promise<Supervisor> {
    await makeHome(home);
    const lock = await lockHome(home);
    const supervisor = new Supervisor(home, lock, options);
    await supervisor.#begin();
    return supervisor;
  }

  private constructor(home: Home, lock: Deno.FsFile, options: SupervisorOptions) {
    this.#home = home;
    this.#lock = lock;
    this.#options = options;
    this.ended = this.#end.promise;
  }

  /** What it keeps. */
  get views(): ProcessView[] {
    return [...this.#kept.values()].map(({ view }) => view);
  }

  /** A client that asks it as other processes do. @throws {SystemError} If it is ending. */
  get client(): ControlClient {
    if (this.#record === undefined) throw new SystemError("the system is being stopped");
    return new ControlClient(this.#record, this.#home);
  }

  /**
   * Starts processes.
   *
   * @param environment The environment of the command that asks.
   * @throws {SystemError} If one of that name is there and has not exited, or it is ending.
   */
  async start(
    specs: readonly ProcessSpec[],
    environment: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (this.#ending) throw new SystemError("the system is being stopped");
    for (const { name } of specs) {
      const there = this.#kept.get(name);
      if (there !== undefined && there.view.status !== "exited") {
        throw new SystemError(`${name} runs already`);
      }
    }
    await Promise.all(specs.map((spec) => this.#keep(spec, environment).start()));
  }

  /**
   * Keeps processes in mind that could not be started, as ended ones: they are listed, and can be
   * restarted. Names that are kept already stay as they are.
   *
   * @param reason Why, for their logs.
   */
  keep(specs: readonly ProcessSpec[], reason: string): void {
    for (const spec of specs) {
      if (this.#ending || this.#kept.has(spec.name)) continue;
      addLogEntry(spec.log, `${spec.name} was not started: ${reason}`);
      this.#keep(spec, this.#options.environment).remember({
        spec,
        status: "exited",
        startedAt: new Date().toISOString(),
        restarts: 0,
        adopted: false,
      });
    }
  }

  /** They work: from now on they are started again when they crash. */
  ready(names: readonly string[]): void {
    for (const kept of this.#named(names)) kept.ready();
  }

  /** Stops processes, those with the highest rank first, and forgets them. */
  async stop(names: readonly string[], options: StopOptions = {}): Promise<void> {
    const kept = this.#named(names);
    const ranks = [...new Set(kept.map(({ spec }) => spec.rank))].sort((one, other) => other - one);
    for (const rank of ranks) {
      await Promise.all(
        kept.filter(({ spec }) => spec.rank === rank).map((one) => this.#drop(one, options)),
      );
    }
    if (this.#kept.size === 0 && !this.#ending) await this.end();
  }

  /**
   * Stops processes and starts them anew.
   *
   * @param environment As for `start`.
   * @param options `specs`: what those are from now on whose specs have changed.
   */
  async restart(
    names: readonly string[],
    environment: Readonly<Record<string, string>>,
    { specs = [], ...options }: StopOptions & { readonly specs?: readonly ProcessSpec[] } = {},
  ): Promise<void> {
    const kept = this.#named(names);
    await Promise.all(kept.map(async ({ spec }) => {
      await this.#kept.get(spec.name)?.stop(options);
      const now = specs.find(({ name }) => name === spec.name) ?? spec;
      if (!this.#ending) await this.#keep(now, environment).start();
    }));
  }

  /** Stops everything, and ends. A second call may only make it quicker. */
  async end(options: StopOptions = {}): Promise<void> {
    if (this.#ending && options.now) {
      await Promise.all([...this.#kept.values()].map((kept) => kept.stop(options)));
    }
    if (this.#ending) return await this.ended;
    this.#ending = true;
    await this.stop([...this.#kept.keys()], options);
    clearInterval(this.#looking);
    this.#record = undefined;
    if (this.#hasHome) removeState(this.#home);
    await this.#control?.close();
    supervisorLog(this.#home, "everything has been stopped");
    this.#lock.close();
    this.#end.resolve();
  }

  async #begin(): Promise<void> {
    const earlier = await readState(this.#home);
    this.#control = serveControl((request) => this.#answer(request));
    const identity = await identify(Deno.pid);
    if (identity === undefined) throw new SystemError("cannot tell when this process was started");
    const { port: controlPort, token } = this.#control;
    const startedAt = new Date().toISOString();
    const home = identifyLock(this.#lock.statSync());
    this.#record = { identity, version: VERSION, startedAt, home, controlPort, token };
    supervisorLog(this.#home, `supervisor ${VERSION} begins, pid ${identity.pid}`);
    for (const view of earlier?.processes ?? []) await this.#recover(view);
    this.#write();
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Takes over what still runs; an agent that does not is kept in mind, a part is not. */
  async #recover(view: ProcessView): Promise<void> {
    const { identity } = view;
    // The home may have been moved.
    const spec = { ...view.spec, log: logPath(this.#home, view.spec.name, view.spec.kind) };
    if (identity !== undefined && await isAlive(identity)) {
      const environment = environmentOf(identity.pid) ?? this.#options.environment;
      this.#keep(spec, environment).takeOver(view, identity);
    } else if (spec.kind === "agent") {
      this.#keep(spec, this.#options.environment).remember(view);
    }
  }

  #keep(spec: ProcessSpec, environment: Readonly<Record<string, string>>): KeptProcess {
    const kept = new KeptProcess(spec, environment, {
      ...this.#options,
      onChange: () => this.#write(),
      onEvent: (text) => supervisorLog(this.#home, text),
    });
    this.#kept.set(spec.name, kept);
    return kept;
  }

  async #drop(kept: KeptProcess, options: StopOptions): Promise<void> {
    await kept.stop(options);
    if (this.#kept.get(kept.spec.name) === kept) this.#kept.delete(kept.spec.name);
    this.#write();
  }

  #named(names: readonly string[]): KeptProcess[] {
    return names.flatMap((name) => this.#kept.get(name) ?? []);
  }

  #write(): void {
    // Until then, what an earlier supervisor wrote is the better record; after the end there is none.
    if (this.#record === undefined || !this.#hasHome) return;
    const state = { format: FORMAT, supervisor: this.#record, processes: this.views } as const;
    try {
      writeState(this.#home, state);
      this.#written = stateStamp(this.#home);
      this.#writeFails = false;
    } catch (error) {
      // A full disk is no reason to end; it is tried again.
      this.#written = undefined;
      if (!this.#writeFails) supervisorLog(this.#home, `the state cannot be written: ${error}`);
      this.#writeFails = true;
    }
  }

  /** Whether its home is where it was. What cannot be told is taken to be so. */
  get #hasHome(): boolean {
    try {
      return identifyHome(this.#home) === identifyLock(this.#lock.statSync());
    } catch {
      return true;
    }
  }

  /** Does what was asked for, or begins to; how it goes on is seen in the views. */
  async #answer(request: ControlRequest): Promise<readonly ProcessView[]> {
    switch (request.type) {
      case "list":
        break;
      case "start":
        await this.start(request.specs, request.environment);
        break;
      case "keep":
        this.keep(request.specs, request.reason);
        break;
      case "ready":
        this.ready(request.names);
        break;
      case "stop":
        this.#unwatched(this.#stopForGood(request.names, request.options));
        break;
      case "restart":
        this.#unwatched(this.restart(request.names, request.environment, {
          ...request.options,
          specs: request.specs,
        }));
        break;
      case "end":
        this.#unwatched(this.end(request.options));
    }
    return this.views;
  }

  /** What is stopped by name is not started again by the next start, other than at the end of all. */
  async #stopForGood(names: readonly string[], options: StopOptions): Promise<void> {
    try {
      await forgetAgents(this.#home, names.map((name) => ({ name, runtime: "process" })));
    } catch (error) {
      supervisorLog(this.#home, `agents cannot be forgotten: ${error}`);
    }
    await this.stop(names, options);
  }

  #unwatched(promise: Promise<void>): void {
    promise.catch((error) => supervisorLog(this.#home, `failed: ${error}`));
  }

  #look(): void {
    if (!this.#hasHome) return this.#unwatched(this.end({ now: true }));
    if (this.#written === undefined || this.#written !== stateStamp(this.#home)) this.#write();
    this.#boundLogs();
  }

  #boundLogs(): void {
    const logs = [...this.#kept.values()].map(({ spec }) => spec.log);
    for (const log of [logPath(this.#home, SUPERVISOR, "part"), ...logs]) {
      boundLog(log).catch((error) => addLogEntry(log, `cannot be put aside: ${error}`));
    }
  }
}

async function lockHome(home: Home): Promise<Deno.FsFile> {
  const file = await Deno.open(home.lock, { create: true, write: true, mode: 0o600 });
  for (let tries = 1; tries <= LOCK_TRIES; tries++) {
    if (await file.tryLock(true)) return file;
    await pause(LOCK_PAUSE_MS);
  }
  file.close();
  throw new SystemError(`Another supervisor has ${home.folder}`);
}
