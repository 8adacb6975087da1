/**
 * A process that is kept running: started, started again with growing pauses when it crashes, and
 * stopped in order.
 *
 * Invariants:
 * 1. At most one process of it runs at a time.
 * 2. One that ends before it was ready, or within its first seconds, is not started again: it
 *    would not do better the next time, and the command that waits for it should hear of it.
 * 3. Every timer belongs to the state that set it, and leaving the state calls it off.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import { adopt, launch, type LaunchedProcess } from "./launched_process.ts";
import { addLogEntry } from "./log_file.ts";
import type { ProcessIdentity } from "./process_identity.ts";
import { type Exit, exitText, type ProcessSpec, type ProcessView } from "./process_spec.ts";

/** When and how to start again, and whom to tell. */
export interface KeeperOptions {
  /** The pause before the first new start, in milliseconds; it doubles with each; default 500. */
  readonly backoffBaseMs?: number;
  /** The longest pause, in milliseconds; default 30 000. */
  readonly backoffCapMs?: number;
  /** After so long a process is taken for one that works, in milliseconds; default 10 000. */
  readonly settledMs?: number;
  /** Told whenever its view has changed. */
  readonly onChange: () => void;
  /** Told what happened, in words. */
  readonly onEvent: (text: string) => void;
}

/** How to stop. */
export interface StopOptions {
  /** Without letting it finish its running work. */
  readonly now?: boolean;
  /** How long it may take before SIGKILL, in milliseconds; default the spec's. */
  readonly timeoutMs?: number;
}

/** How long a process may take to end when it was told to do so at once, in milliseconds. */
const NOW_MS = 2_000;
/** Exit codes after which a program is not started again: it was done, or cannot be started so. */
const FINAL_CODES = [0, 2];

type State =
  | { readonly kind: "idle" }
  /** It is being made; what is to be stopped meanwhile is when it is there. */
  | { readonly kind: "launching"; stop: StopOptions | undefined }
  | { readonly kind: "starting"; readonly process: LaunchedProcess; readonly callOff: () => void }
  | { readonly kind: "running"; readonly process: LaunchedProcess; readonly callOff: () => void }
  | { readonly kind: "waiting"; readonly callOff: () => void }
  | { readonly kind: "stopping"; readonly process: LaunchedProcess; callOff: () => void }
  | { readonly kind: "exited" };

/** One process that is started again when it crashes. */
export class KeptProcess {
  readonly spec: ProcessSpec;
  readonly #options: Required<KeeperOptions>;
  /** The environment of the command that asked for the start. */
  #environment: Readonly<Record<string, string>>;
  #state: State = { kind: "idle" };
  #startedAt = new Date();
  #restarts = 0;
  /** Crashes in a row. */
  #crashes = 0;
  #exit: Exit | undefined;
  #adopted = false;
  #ended = Promise.withResolvers<void>();

  constructor(
    spec: ProcessSpec,
    environment: Readonly<Record<string, string>>,
    options: KeeperOptions,
  ) {
    this.spec = spec;
    this.#environment = environment;
    this.#options = { backoffBaseMs: 500, backoffCapMs: 30_000, settledMs: 10_000, ...options };
  }

  /** How it is. */
  get view(): ProcessView {
    const state = this.#state;
    const { spec } = this;
    return {
      spec,
      status: state.kind === "idle"
        ? "exited"
        : state.kind === "launching"
        ? "starting"
        : state.kind,
      ...("process" in state && { identity: state.process.identity }),
      startedAt: this.#startedAt.toISOString(),
      restarts: this.#restarts,
      ...(this.#exit && { exit: this.#exit }),
      adopted: this.#adopted,
    };
  }

  /** Starts it; called once. */
  async start(): Promise<void> {
    await this.#launch("starting");
  }

  /** Takes over what an earlier supervisor had started; called once, instead of `start`. */
  takeOver(earlier: ProcessView, identity: ProcessIdentity): void {
    this.#adopted = true;
    this.#startedAt = new Date(earlier.startedAt);
    this.#restarts = earlier.restarts;
    this.#exit = earlier.exit;
    this.#tell(`taken over, pid ${identity.pid}`);
    this.#runs(adopt(identity), "running");
  }

  /** Keeps in mind what has ended, while no supervisor looked; called once. */
  remember(earlier: ProcessView): void {
    this.#startedAt = new Date(earlier.startedAt);
    this.#restarts = earlier.restarts;
    this.#exit = earlier.status === "exited" && earlier.exit ? earlier.exit : UNSEEN;
    this.#end();
  }

  /** It works: from now on it is started again when it crashes. */
  ready(): void {
    if (this.#state.kind !== "starting") return;
    const { process, callOff } = this.#state;
    callOff();
    this.#enter({ kind: "running", process, callOff: this.#afterSettling() });
  }

  /** Asks it to end, and kills it if it does not; a second call may only make it quicker. */
  async stop(options: StopOptions = {}): Promise<void> {
    const state = this.#state;
    switch (state.kind) {
      case "idle":
      case "exited":
        return;
      case "waiting":
        return this.#end();
      case "launching":
        state.stop = { ...state.stop, ...options };
        break;
      case "starting":
      case "running":
        state.callOff();
        this.#enter({ kind: "stopping", process: state.process, callOff: () => {} });
        await this.#hasten(options);
        break;
      case "stopping":
        if (options.now) await this.#hasten(options);
    }
    await this.#ended.promise;
  }

  async #hasten({ now = false, timeoutMs = this.spec.stopMs }: StopOptions): Promise<void> {
    const state = this.#state;
    if (state.kind !== "stopping") return;
    state.callOff();
    const patienceMs = now ? NOW_MS : timeoutMs;
    const timer = setTimeout(() => {
      this.#tell(`did not end within ${patienceMs / 1_000} s: killing it`);
      state.process.signal("SIGKILL", { group: true }).catch((error) => {
        this.#tell(`cannot be killed: ${messageOf(error)}`);
      });
    }, patienceMs);
    state.callOff = () => clearTimeout(timer);
    // Programs of ours end in order on the first signal, and at once on the second. Two of a kind
    // could arrive as one.
    if (now) await state.process.signal("SIGINT");
    await state.process.signal("SIGTERM");
  }

  async #launch(kind: "starting" | "running"): Promise<void> {
    this.#startedAt = new Date();
    const launching: State & { kind: "launching" } = { kind: "launching", stop: undefined };
    this.#enter(launching);
    try {
      this.#runs(await launch(this.spec, { ...this.#environment, ...this.spec.env }), kind);
    } catch (error) {
      // Its folder is gone, for one.
      this.#tell(`cannot be started: ${messageOf(error)}`);
      this.#exit = UNSEEN;
      return this.#end();
    }
    if (launching.stop !== undefined) await this.stop(launching.stop);
  }

  #runs(process: LaunchedProcess, kind: "starting" | "running"): void {
    this.#enter({ kind, process, callOff: this.#afterSettling() });
    void process.ended.then((exit) => this.#hasEnded(process, exit));
  }

  /** What has run for a while is ready, and its next crash is the first again. */
  #afterSettling(): () => void {
    const timer = setTimeout(() => {
      this.#crashes = 0;
      this.ready();
    }, this.#options.settledMs);
    return () => clearTimeout(timer);
  }

  #hasEnded(process: LaunchedProcess, exit: Exit): void {
    const state = this.#state;
    if (!("process" in state) || state.process !== process) return;
    state.callOff();
    this.#exit = exit;
    if (state.kind === "stopping") {
      this.#tell("stopped");
      return this.#end();
    }
    if (state.kind === "starting" || FINAL_CODES.includes(exit.code ?? -1) && this.#mayEnd) {
      this.#tell(`ended ${exitText(exit)}`);
      return this.#end();
    }
    const { backoffBaseMs, backoffCapMs } = this.#options;
    const pauseMs = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(this.#crashes++, 30));
    this.#tell(`ended ${exitText(exit)}, starting it again in ${pauseMs / 1_000} s`);
    const timer = setTimeout(() => void this.#startAgain(), pauseMs);
    this.#enter({ kind: "waiting", callOff: () => clearTimeout(timer) });
  }

  /** A part of the system has no reason to end by itself. */
  get #mayEnd(): boolean {
    return this.spec.kind === "agent";
  }

  async #startAgain(): Promise<void> {
    this.#restarts++;
    this.#adopted = false;
    await this.#launch("running");
    if (this.#state.kind === "running") this.#tell(`started again, restart ${this.#restarts}`);
  }

  #end(): void {
    if ("callOff" in this.#state) this.#state.callOff();
    this.#enter({ kind: "exited" });
    this.#ended.resolve();
  }

  #enter(state: State): void {
    this.#state = state;
    this.#options.onChange();
  }

  #tell(text: string): void {
    const { name, log } = this.spec;
    addLogEntry(log, `${name} ${text}`);
    this.#options.onEvent(`${name} ${text}`);
  }
}

const UNSEEN: Exit = { code: null, signal: null };
