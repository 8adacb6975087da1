/**
 * Ends what an agent has started if the agent cannot do that itself, because it was killed with
 * SIGKILL: a shell of its own session that waits for the end of a pipe, and costs nothing until
 * then. While the agent lives, the keeper looks from time to time for what leaves a program's
 * session, so that it is known even if its environment lacks the mark.
 *
 * States of the shell:
 * - `running`: it has been told of everything that is kept.
 * - `pausing`: somebody has killed it, soon after its start; a timer starts the next.
 * - `absent`: there is no shell. What is kept is not ended if the agent is killed.
 * - `dismissed`: the agent needs it no more.
 *
 * Not covered: agent and shell killed in the same moment, before another shell is there. What is
 * left then is found by looking for the same marks again, as the exec agent does for
 * `OUROCODUS_WORK_KEY`.
 *
 * @module
 */
import { type Clock, systemClock } from "../clock.ts";
import { KEEPER_SCRIPT } from "./keeper_script.ts";
import { checkMark, type Lineage } from "./lineage.ts";
import { type ProcessId, type ProcessTable, readProcesses } from "./process_table.ts";

type State =
  | {
    readonly kind: "running";
    readonly child: Deno.ChildProcess;
    readonly input: WritableStreamDefaultWriter<Uint8Array>;
  }
  | { readonly kind: "pausing"; readonly callOff: () => void }
  | { readonly kind: "absent" }
  | { readonly kind: "dismissed" };

interface Kept {
  readonly lineage: Lineage | undefined;
  /** Processes that the shell was told of. */
  told: ProcessId[];
}

/** Pauses between two looks, in milliseconds: the first after something was added, and the last. */
const FIRST_LOOK_MS = 200;
const LAST_LOOK_MS = 2_000;
/** Pauses before a shell that was killed soon after its start is replaced. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 60_000;
/** One that has lived this long is replaced at once. */
const PROVEN_MS = 1_000;

/** A shell that ends marked processes when the agent is killed. */
export class Keeper implements AsyncDisposable {
  readonly #killAfterMs: number;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #state: State = { kind: "absent" };
  #pauseMs = FIRST_PAUSE_MS;
  #lookMs = FIRST_LOOK_MS;
  #callOffLook: (() => void) | undefined;

  /**
   * @param killAfterMs How long after SIGTERM it sends SIGKILL, in milliseconds.
   * @param options `clock`: for tests.
   */
  constructor(killAfterMs: number, options: { readonly clock?: Clock } = {}) {
    this.#killAfterMs = killAfterMs;
    this.#clock = options.clock ?? systemClock;
    this.#start();
  }

  /** The shell's process, for tests and for the curious. */
  get pid(): number | undefined {
    return this.#state.kind === "running" ? this.#state.child.pid : undefined;
  }

  /**
   * Has it end what has a mark if the agent is killed. To be awaited before something is started
   * with the mark: an agent that is killed in between has told nobody.
   *
   * @param mark Of letters, digits, `.`, `_` and `-`.
   * @returns Settles when the shell has been told.
   */
  async add(mark: string): Promise<void> {
    checkMark(mark);
    if (this.#kept.has(mark)) return;
    this.#kept.set(mark, { lineage: undefined, told: [] });
    await this.#tell([`+ ${mark}`]);
  }

  /**
   * The same; also what has left the program's session without the mark is found, if a look has
   * seen it before.
   */
  follow(mark: string, lineage: Lineage): void {
    const { root } = lineage;
    void this.add(mark);
    if (root === undefined) return;
    this.#kept.set(mark, { lineage, told: [root] });
    void this.#tell([processLine("p", mark, root)]);
    if (this.#lookMs > FIRST_LOOK_MS) this.#callOffLooks();
    this.#planLook();
  }

  /** What has this mark has ended, or is to live on. */
  remove(mark: string): void {
    if (!this.#kept.delete(mark)) return;
    void this.#tell([`- ${mark}`]);
    if (!this.#needsLooks) this.#callOffLooks();
  }

  /** Dismisses it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const state = this.#state;
    void this.#tell(["done"]);
    this.#state = { kind: "dismissed" };
    this.#callOffLooks();
    switch (state.kind) {
      case "running":
        await state.input.close().catch(() => {});
        await state.child.status;
        break;
      case "pausing":
        state.callOff();
        break;
      case "absent":
      case "dismissed":
    }
  }

  #start(): void {
    const startedAt = this.#clock.now();
    try {
      const child = new Deno.Command("/bin/sh", {
        args: ["-c", KEEPER_SCRIPT, "ourocodus-keeper", String(Math.ceil(this.#killAfterMs / 100))],
        // Without marks: it must not end itself.
        env: { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" },
        clearEnv: true,
        stdin: "piped",
        stdout: "null",
        stderr: "null",
        cwd: "/",
        detached: true,
      }).spawn();
      this.#state = { kind: "running", child, input: child.stdin.getWriter() };
      void child.status.then(() => this.#hasEnded(this.#clock.now() - startedAt));
    } catch {
      this.#state = { kind: "absent" };
      return;
    }
    for (const [mark, kept] of this.#kept) void this.#tell(linesOf(mark, kept));
  }

  #hasEnded(livedMs: number): void {
    if (this.#state.kind !== "running") return;
    this.#state.input.abort().catch(() => {});
    if (livedMs >= PROVEN_MS) {
      this.#pauseMs = FIRST_PAUSE_MS;
      return this.#start();
    }
    const callOff = this.#clock.after(this.#pauseMs, () => this.#start());
    this.#state = { kind: "pausing", callOff };
    this.#pauseMs = Math.min(this.#pauseMs * 2, LAST_PAUSE_MS);
  }

  async #tell(lines: readonly string[]): Promise<void> {
    if (this.#state.kind !== "running") return;
    const text = lines.map((line) => `${line}\n`).join("");
    // If it has just been killed, the next one is told.
    await this.#state.input.write(new TextEncoder().encode(text)).catch(() => {});
  }

  get #needsLooks(): boolean {
    return this.#kept.values().some(({ lineage }) => lineage?.root !== undefined);
  }

  #planLook(): void {
    if (this.#callOffLook !== undefined || !this.#needsLooks) return;
    this.#callOffLook = this.#clock.after(this.#lookMs, () => {
      this.#callOffLook = undefined;
      this.#lookMs = Math.min(this.#lookMs * 2, LAST_LOOK_MS);
      this.#look();
      this.#planLook();
    });
  }

  #callOffLooks(): void {
    this.#callOffLook?.();
    this.#callOffLook = undefined;
    this.#lookMs = FIRST_LOOK_MS;
  }

  /** Looks who has left a session, and tells the shell. */
  #look(): void {
    let table: ProcessTable;
    try {
      table = readProcesses();
    } catch {
      return; // Nothing can be read just now.
    }
    for (const [mark, kept] of this.#kept) {
      const { lineage, told } = kept;
      if (lineage?.root === undefined) continue;
      const root = lineage.root;
      const left = lineage.lookIn(table).filter(({ session }) => session !== root.pid);
      const isNew = (id: ProcessId) => !told.some((other) => isSame(id, other));
      const hasGone = (id: ProcessId) => id !== root && !left.some((other) => isSame(id, other));
      const fresh = left.filter(isNew);
      const gone = told.filter(hasGone);
      if (fresh.length + gone.length === 0) continue;
      kept.told = [root, ...left];
      void this.#tell([
        ...fresh.map((id) => processLine("p", mark, id)),
        ...gone.map((id) => processLine("x", mark, id)),
      ]);
    }
  }
}

function linesOf(mark: string, { told }: Kept): string[] {
  return [`+ ${mark}`, ...told.map((id) => processLine("p", mark, id))];
}

function processLine(what: "p" | "x", mark: string, { pid, started }: ProcessId): string {
  return `${what} ${mark} ${pid} ${started}`;
}

function isSame(one: ProcessId, other: ProcessId): boolean {
  return one.pid === other.pid && one.started === other.started;
}
