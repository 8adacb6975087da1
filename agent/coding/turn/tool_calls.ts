/**
 * The tool calls of a work item: the present state of each, and how many there were of each kind.
 *
 * Agents tell about a call in pieces, and differ in them: claude gives the kind first and the paths
 * later, gemini's first word about an edit is a request for permission. What a piece leaves out
 * stays as it was.
 *
 * @module
 */
import { isAbsolute, relative, sep } from "node:path";
import type {
  ToolCallContent,
  ToolCallStatus,
  ToolCallUpdate,
  ToolKind,
} from "@agentclientprotocol/sdk/unstable";
import type { ToolProgress } from "./progress.ts";
import { shortened } from "./shortened.ts";

/** What is known of a tool call. */
export type ToolState = Omit<ToolProgress, "type">;

/** What an agent's word about a call has changed. */
export interface ToolChange {
  readonly state: ToolState;
  /** It is the first word about this call. */
  readonly isNew: boolean;
  readonly hasChanged: boolean;
  /** The call has ended with this. */
  readonly hasFinished: boolean;
}

const MAX_TOOLS = 1_000;
const MAX_PATHS = 50;
const MAX_PATH_CHARACTERS = 1_000;
const MAX_TITLE_CHARACTERS = 500;
const MAX_ID_CHARACTERS = 200;

const KINDS: ReadonlySet<string> = new Set<ToolKind>([
  "read",
  "edit",
  "delete",
  "move",
  "search",
  "execute",
  "think",
  "fetch",
  "switch_mode",
  "other",
]);
const STATUSES: ReadonlySet<string> = new Set<ToolCallStatus>([
  "pending",
  "in_progress",
  "completed",
  "failed",
]);

/** The tool calls of one work item. */
export class ToolCalls {
  readonly #root: string;
  readonly #states = new Map<string, ToolState>();
  readonly #counts = new Map<ToolKind, number>();

  /** @param root The worktree, absolute. */
  constructor(root: string) {
    this.#root = root;
  }

  /** How many calls there were of each kind, whatever became of them. */
  get counts(): Partial<Record<ToolKind, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** What is known of a call. */
  get(id: string): ToolState | undefined {
    return this.#states.get(shortened(id, MAX_ID_CHARACTERS));
  }

  /**
   * Takes what an agent says about a call.
   *
   * @returns Its state, and what this has changed.
   */
  update(said: ToolCallUpdate): ToolChange {
    const id = shortened(said.toolCallId, MAX_ID_CHARACTERS);
    const before = this.#states.get(id);
    const title = text(said.title) ?? before?.title ?? text(said.name) ?? "";
    const state: ToolState = {
      id,
      title: shortened(title, MAX_TITLE_CHARACTERS),
      kind: kindOf(said) ?? before?.kind ?? "other",
      status: statusOf(said) ?? before?.status ?? "pending",
      paths: merged(before?.paths ?? [], pathsOf(said).map((path) => relativeTo(this.#root, path))),
    };
    this.#count(before?.kind, state.kind);
    this.#keep(state);
    const hasFinished = isFinished(state) && (before === undefined || !isFinished(before));
    const hasChanged = before === undefined || !isSame(before, state);
    return { state, isNew: before === undefined, hasChanged, hasFinished };
  }

  #count(before: ToolKind | undefined, kind: ToolKind): void {
    if (before === kind) return;
    const add = (key: ToolKind, by: number) => {
      const count = (this.#counts.get(key) ?? 0) + by;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
    };
    if (before !== undefined) add(before, -1);
    add(kind, 1);
  }

  /** Forgets the oldest beyond `MAX_TOOLS`, finished ones first. */
  #keep(state: ToolState): void {
    this.#states.set(state.id, state);
    if (this.#states.size <= MAX_TOOLS) return;
    const oldest = [...this.#states.values()].find(isFinished) ?? [...this.#states.values()][0];
    if (oldest !== undefined) this.#states.delete(oldest.id);
  }
}

/** The paths that an agent names in what it says about a call: of its locations and its diffs. */
export function pathsOf(said: Pick<ToolCallUpdate, "locations" | "content">): string[] {
  const locations = list(said.locations).map(({ path }) => path);
  const diffs = list(said.content).flatMap((content: ToolCallContent) =>
    content.type === "diff" ? [content.path] : []
  );
  return [...new Set([...locations, ...diffs].filter((path) => typeof path === "string"))]
    .filter((path) => path.length <= MAX_PATH_CHARACTERS);
}

/** A path as people read it: relative to the worktree, absolute if outside of it. */
export function relativeTo(root: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(root, path);
  if (inside === "") return ".";
  return inside === ".." || inside.startsWith(`..${sep}`) ? path : inside;
}

/** The call's kind as the agent says it; `other` for one that ACP does not know. */
export function kindOf(said: { readonly kind?: unknown }): ToolKind | undefined {
  if (typeof said.kind !== "string") return undefined;
  return KINDS.has(said.kind) ? said.kind as ToolKind : "other";
}

function statusOf(said: { readonly status?: unknown }): ToolCallStatus | undefined {
  const { status } = said;
  return typeof status === "string" && STATUSES.has(status) ? status as ToolCallStatus : undefined;
}

function isFinished({ status }: ToolState): boolean {
  return status === "completed" || status === "failed";
}

function isSame(a: ToolState, b: ToolState): boolean {
  return a.title === b.title && a.kind === b.kind && a.status === b.status &&
    a.paths.length === b.paths.length;
}

function merged(before: readonly string[], after: readonly string[]): string[] {
  return [...new Set([...before, ...after])].slice(0, MAX_PATHS);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function list<T>(value: readonly T[] | null | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}
