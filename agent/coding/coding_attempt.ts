/**
 * One attempt at a work item: from the place it is done in to what is answered.
 *
 * Invariants:
 * 1. What an earlier attempt at the same work item has left running on this machine is ended before
 *    anything is done, and all that this one started before it is answered.
 * 2. Memory and files belong together: an earlier conversation is gone on with only in the worktree
 *    that it knows. If it cannot be loaded, the files go back to the base, and the work begins anew.
 * 3. The record on disk says at every moment what the next attempt needs; an attempt that another one
 *    has replaced writes to neither record nor branch.
 *
 * @module
 */
import { messageOf } from "@ourocodus/bus";
import type { Changes } from "@ourocodus/git";
import { RetryableError, WorkAbortedError, WorkError } from "../errors.ts";
import type { Work, WorkContext } from "../work.ts";
import { type Adapter, AdapterError, CannotLoad, type Conversation } from "./acp/mod.ts";
import { type CheckSaid, type CodingResult, fittedResult } from "./coding_result.ts";
import { commitOptions } from "./commit_options.ts";
import type { Equipment } from "./equipment.ts";
import type { Place } from "./place.ts";
import { runShell } from "./shell_command.ts";
import {
  AnswerSchema,
  checkFailedPrompt,
  Limits,
  type Outcome,
  outcomeOf,
  type PermissionDecision,
  ProgressFeed,
  promptOf,
  resumePrompt,
  type Transcript,
  TurnRecord,
} from "./turn/mod.ts";

/** What an attempt is made of. */
export interface CodingAttemptOptions {
  readonly equipment: Equipment;
  readonly work: Work;
  readonly context: WorkContext;
  readonly place: Place;
  /** Starts the coding agent in the place's folder, or gives one that waits there already. */
  readonly adapter: Adapter;
}

/** See the top of the file. */
export class CodingAttempt {
  readonly #options: CodingAttemptOptions;
  readonly #limits: Limits;
  readonly #schema: AnswerSchema | undefined;
  readonly #prompt: string;
  readonly #begunMs: number;
  readonly #feed: ProgressFeed;
  readonly #said: TurnRecord;
  readonly #permissions: PermissionDecision[] = [];
  readonly #overLimit = new AbortController();
  #transcript: Transcript | undefined;
  #conversation: Conversation | undefined;
  #stopReason: string | undefined;
  #turns = 0;
  #check: CheckSaid | undefined;
  #output: { readonly value: unknown } | undefined;
  #resumed = false;
  #snapshots = 0;

  /** @throws {WorkError} If the payload asks for something that cannot be done. */
  constructor(options: CodingAttemptOptions) {
    const { equipment, work, context, place } = options;
    const { clock, preset, options: { thoughts, limits } } = equipment;
    this.#options = options;
    this.#begunMs = clock.now();
    this.#schema = AnswerSchema.of(work.payload.schema);
    this.#prompt = promptOf(work.payload, this.#schema);
    this.#limits = Limits.of(limits ?? {}, work.payload.limits);
    this.#feed = new ProgressFeed({ send: (payload) => context.progress(payload), clock });
    this.#said = new TurnRecord((progress) => this.#feed.put(progress), {
      root: place.folder,
      clock,
      thoughts,
      usageOfLastStep: preset.usageOfLastStep,
      toolFinished: () => void this.#snapshot(),
    });
  }
}
