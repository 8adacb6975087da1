/**
 * An agent that has a coding agent, such as Claude Code, do each work item in a worktree of its own.
 *
 * Invariants:
 * 1. Before an attempt begins, all that earlier attempts at the same work item have left running on
 *    this machine has ended; before it is answered, all that it has started itself.
 * 2. Disposing waits until nothing runs; if this process is killed, a keeper ends what it started.
 * 3. What was answered and not confirmed is answered again by the next attempt, not done again.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { join } from "node:path";
import type { WorkRecord } from "@ourocodus/git";
import { messageOf, OurocodusError } from "@ourocodus/protocol";
import { OptionError, RetryableError, WorkError } from "../errors.ts";
import { endMarked, Keeper } from "../processes/mod.ts";
import { Running } from "../running.ts";
import { Suspension } from "../suspension.ts";
import type { Handler, Work, WorkContext } from "../work.ts";
import { AdapterError } from "./acp/mod.ts";
import { assignmentOf } from "./assignment.ts";
import { checkCodingFiles, checkCodingOptions, type NameOf } from "./check_options.ts";
import { isMissing } from "./attempt_files.ts";
import { CodingAttempt } from "./coding_attempt.ts";
import { equip, type Equipment } from "./equipment.ts";
import { limitKey } from "./limit_key.ts";
import { missingBudget, ModelGateway } from "./model_gateway.ts";
import type { CodingOptions } from "./options.ts";
import { type KeptAnswer, Place, type PlaceOptions } from "./place.ts";
import {
  type CodingFacts,
  codingFacts,
  missingAgent,
  missingFiles,
  missingTokens,
} from "./readiness.ts";
import { startAdapter, type StartedAdapter } from "./started_adapter.ts";
import { isSystemError } from "./system_error.ts";
import {
  foreignFolder,
  makeWaitingFolder,
  removeAbandoned,
  removeIfEmpty,
} from "./waiting_folder.ts";
import { type Spare, WarmAdapters } from "./warm_adapters.ts";

interface Ready {
  readonly equipment: Equipment;
  readonly adapters: WarmAdapters;
  readonly gateway: ModelGateway | undefined;
}

/** Where a work item is done, and the process that does it. */
interface Placed extends StartedAdapter {
  readonly place: Place;
}

/** How long after SIGTERM what was left running is killed, in milliseconds. */
const KILL_AFTER_MS = 2_000;
/** When work is tried again that came while the agent could not be started, in milliseconds. */
const START_RETRY_MS = 10_000;

const logger = getLogger(["ourocodus", "agent"]);

/** Does work items with a coding agent; `handler` is for `serve`. */
export class CodingAgent implements AsyncDisposable {
  /** Suspended when the coding agent can do no work until somebody acts. */
  readonly suspension: Suspension = new Suspension();
  readonly #options: CodingOptions;
  readonly #nameOf: NameOf | undefined;
  readonly #running = new Running();
  #keeper: Keeper | undefined;
  #ready: Promise<Ready> | undefined;

  /** @throws {OptionError} If an option has a value that cannot be used. */
  constructor(options: CodingOptions, nameOf?: NameOf) {
    checkCodingOptions(options, nameOf);
    this.#options = options;
    this.#nameOf = nameOf;
  }

  /**
   * Makes it ready for work: its first process is started, and has said that it speaks ACP.
   *
   * @throws {OptionError} If something is missing; the message ends with what to do.
   */
  async start(): Promise<void> {
    const { adapters, equipment } = await this.#started();
    if (equipment.withoutSandbox !== undefined) {
      logger.warn("Runs without a sandbox: {why}", { why: equipment.withoutSandbox });
    }
    const { budgetTokens } = this.#options.gateway ?? {};
    const spent = budgetTokens && missingBudget(equipment.worktrees, budgetTokens);
    if (spent) this.suspension.suspend(spent);
    await adapters.warm();
    try {
      await adapters.firstIsReady();
    } catch (error) {
      if (error instanceof AdapterError) throw new OptionError(withEnd(error));
      throw error;
    }
  }

  /**
   * Looks what stands in the way of work, without asking the model.
   *
   * @param depth `files`: not whether the coding agent itself can be run.
   * @returns What it is, with what to do about it; undefined if there is nothing.
   */
  async check(depth: "files" | "all" = "all"): Promise<string | undefined> {
    const wrong = await missingFiles(this.#options, this.#nameOf);
    if (wrong !== undefined || depth === "files") return wrong;
    return await missingTokens(this.#options) ?? await missingAgent(this.#options);
  }

  /** What it needs; after `check` has found nothing. */
  async facts(): Promise<CodingFacts> {
    return await codingFacts(this.#options);
  }

  /**
   * What it has in common with agents of the same account, for `serve`.
   *
   * @throws {OptionError} If a file that it needs cannot be used.
   */
  limitKey(): string {
    checkCodingFiles(this.#options, this.#nameOf);
    return limitKey(this.#options);
  }

  /** For `serve`. */
  readonly handler: Handler = (work, context) => this.#running.add(this.#work(work, context));

  /** Waits until nothing runs any more. `serve` has ended before, so nothing is begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.ended();
    const ready = await this.#ready?.catch(() => undefined);
    await ready?.adapters[Symbol.asyncDispose]();
    await ready?.gateway?.[Symbol.asyncDispose]();
    await this.#keeper?.[Symbol.asyncDispose]();
  }

  async #work(work: Work, context: WorkContext): Promise<unknown> {
    const ready = await this.#readyForWork();
    const { equipment, adapters } = ready;
    const assignment = await assignmentOf(work, this.#options.limits);
    const placeOptions: PlaceOptions = {
      work,
      context,
      worktrees: equipment.worktrees,
      preset: equipment.preset.name,
      repository: equipment.repository,
    };
    const release = adapters.occupy();
    try {
      const record = await this.#recordOf(placeOptions);
      if (record !== undefined) {
        // Before its processes end: it would go on to write down, and to commit, that they have.
        await Place.claim(placeOptions, record);
        await endMarked(record.marks, { graceMs: KILL_AFTER_MS, clock: equipment.clock });
        const answer = await Place.answerOf(placeOptions, record);
        if (answer !== undefined) {
          context.onStored(() => void this.#storedBefore(placeOptions, record));
          return answered(answer);
        }
      }
      const shellMark = crypto.randomUUID();
      const { place, ...started } = await this.#placeFor(placeOptions, record, {
        ...ready,
        shellMark,
      });
      context.onStored(() => void this.#stored(place));
      const attempt = new CodingAttempt({
        equipment,
        keeper: this.#theKeeper,
        assignment,
        work,
        context,
        place,
        ...started,
        shellMark,
        suspend: (reason) => this.suspension.suspend(reason),
      });
      const result = await attempt.run();
      this.suspension.succeeded();
      return result;
    } finally {
      // The next work item need not wait for it.
      void release().catch((error) => logger.error("{why}", { why: messageOf(error) }));
    }
  }

  async #recordOf(options: PlaceOptions): Promise<WorkRecord | undefined> {
    try {
      return await Place.recordOf(options);
    } catch (error) {
      throw this.#cannotStart(error);
    }
  }

  /** The place of an earlier attempt if there was one that has made it, else a new one. */
  async #placeFor(
    options: PlaceOptions,
    record: WorkRecord | undefined,
    ready: Ready & { readonly shellMark: string },
  ): Promise<Placed> {
    const found = record && await this.#resume(options, record, ready);
    return found ?? await this.#begin(options, ready);
  }

  /** A new place: the folder in which a process waits already. */
  async #begin(
    options: PlaceOptions,
    { equipment, adapters, shellMark }: Ready & { readonly shellMark: string },
  ): Promise<Placed> {
    const { repository, options: { base } } = equipment;
    const { work: { sequence }, context: { session, role, signal } } = options;
    const { folder, mark, ...started } = await this.#taken(adapters);
    try {
      const place = await Place.begin(options, {
        folder: folder.path,
        marks: [mark, shellMark],
        signal,
        ...(repository !== undefined && {
          base: await repository.resolveBase(base),
          branch: `ourocodus/${session}/${role}/${sequence}`,
        }),
      });
      return { place, ...started };
    } catch (error) {
      await started.adapter.end();
      await folder.release();
      if (error instanceof OurocodusError) {
        throw new RetryableError(error.message, {
          delayMs: START_RETRY_MS,
          reason: "not_accepted",
        });
      }
      throw this.#cannotStart(error);
    }
  }

  /**
   * The place of an earlier attempt, for which a process is started.
   *
   * @returns Undefined if that attempt ended before it had made it.
   */
  async #resume(
    options: PlaceOptions,
    record: WorkRecord,
    { equipment, gateway, shellMark }: Ready & { readonly shellMark: string },
  ): Promise<Placed | undefined> {
    const mark = crypto.randomUUID();
    try {
      const place = await Place.resume(options, record, [mark, shellMark]);
      const { folder } = place;
      const keeper = this.#theKeeper;
      return { place, ...await startAdapter({ equipment, gateway, keeper, folder, mark }) };
    } catch (error) {
      if (!isMissing(error)) throw this.#cannotStart(error);
      if (record.state === "preparing") {
        await removeIfEmpty(record.folder);
        return undefined;
      }
      // Gone on with in another folder, it would look like work that was done.
      await Place.lost(options, record);
      const { branch, base } = record;
      throw new WorkError(error.code, error.message, { details: { branch, base } });
    }
  }

  async #stored(place: Place): Promise<void> {
    try {
      const why = await place.stored();
      if (why === undefined) return;
      logger.warn("Keeps the worktree {folder}: {why}", { folder: place.folder, why });
    } catch (error) {
      const { folder } = place;
      logger.error("Cannot remove the worktree {folder}: {why}", { folder, why: messageOf(error) });
    }
  }

  /** An earlier attempt's answer, which this one has given again, is stored. */
  async #storedBefore(options: PlaceOptions, record: WorkRecord): Promise<void> {
    try {
      await this.#stored(await Place.resume(options, record, record.marks));
    } catch (error) {
      const { folder } = record;
      logger.warn("Keeps {folder}: {why}", { folder, why: messageOf(error) });
    }
  }

  async #taken(adapters: WarmAdapters): Promise<Spare> {
    try {
      return await adapters.take();
    } catch (error) {
      throw this.#cannotStart(error);
    }
  }

  get #theKeeper(): Keeper {
    return this.#keeper ??= new Keeper(KILL_AFTER_MS);
  }

  #started(): Promise<Ready> {
    return this.#ready ??= this.#equipped().catch((error) => {
      this.#ready = undefined; // What is missing may be there the next time.
      throw error;
    });
  }

  async #equipped(): Promise<Ready> {
    checkCodingFiles(this.#options, this.#nameOf);
    const equipment = await equip(this.#options);
    await makeFolder(equipment.worktrees);
    const trees = join(equipment.worktrees, "trees");
    await removeAbandoned(trees);
    const { upstreams, env, clock } = equipment;
    const gateway = upstreams && ModelGateway.start({
      ...{ upstreams, env, clock, worktrees: equipment.worktrees },
      ...this.#options.gateway,
      onBroken: (why) => this.suspension.suspend(why),
    });
    const adapters = new WarmAdapters({
      slots: this.#options.slots ?? 1,
      makeFolder: equipment.repository === undefined
        ? async () => foreignFolder(await Deno.realPath(this.#options.cwd ?? "."))
        : () => makeWaitingFolder(trees),
      start: (folder, mark) =>
        startAdapter({ equipment, gateway, keeper: this.#theKeeper, folder, mark }),
    });
    return { equipment, adapters, gateway };
  }

  async #readyForWork(): Promise<Ready> {
    try {
      return await this.#started();
    } catch (error) {
      throw this.#cannotStart(error);
    }
  }

  /** Another agent may be able to; this one takes no work until a check passes. */
  #cannotStart(error: unknown): unknown {
    if (!(error instanceof OurocodusError) && !isSystemError(error)) return error;
    const message = messageOf(error);
    this.suspension.suspend(message);
    return new RetryableError(message, {
      ...{ delayMs: START_RETRY_MS, reason: "not_accepted", cause: error },
    });
  }
}

/**
 * A coding agent as a handler for {@linkcode serve}. What it needs is looked for when the first work
 * comes, and what it has started ends when it is disposed of, or with this process.
 *
 * @throws {OptionError} If an option has a value that cannot be used.
 *
 * @example
 * ```ts
 * import { serve } from "@ourocodus/agent";
 * import { codingAgent } from "@ourocodus/agent/coding";
 *
 * const stop = new AbortController();
 * await using coder = codingAgent({
 *   agent: "claude",
 *   repo: ".",
 *   check: { command: "deno task test" },
 *   inherited: Deno.env.toObject(),
 * });
 * stop.abort(); // Here, so that the example ends; else when the agent shall stop.
 * await serve({
 *   relayUrl: "ws://localhost:8080",
 *   session: "shop",
 *   role: "coder",
 *   signal: stop.signal,
 * }, coder);
 * ```
 */
export function codingAgent(options: CodingOptions): Handler & AsyncDisposable {
  const agent = new CodingAgent(options);
  return Object.assign(agent.handler.bind(agent), {
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  });
}

function answered(answer: KeptAnswer): unknown {
  if (answer.kind === "result") return answer.payload;
  throw new WorkError(answer.code, answer.message, { details: answer.details });
}

/** What an adapter's error says, and the end of what it wrote on standard error. */
function withEnd({ message, stderr }: AdapterError): string {
  const said = stderr.trim().split("\n").slice(-5).join("; ").slice(-500);
  return said === "" || message.includes(said) ? message : `${message}; it said: ${said}`;
}

/** Makes the folder for worktrees, which git is told to ignore. */
async function makeFolder(worktrees: string): Promise<void> {
  try {
    await Deno.mkdir(worktrees, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(join(worktrees, ".gitignore"), "*\n");
  } catch (error) {
    throw new OptionError(`Cannot make worktrees in ${worktrees}: ${messageOf(error)}`);
  }
}
