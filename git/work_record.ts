/**
 * What is written down of a work item that an agent does in a worktree, a file each in
 * `{worktrees}/records/`: by it a later attempt goes on, and commands know what a folder is.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { z } from "zod";
import { invalidName, messageOf } from "@ourocodus/protocol";

const SHAPE = z.object({
  version: z.literal(1),
  /** The work item's identity. */
  key: z.string().min(1),
  sequence: z.int().min(0),
  /** The publisher's id. */
  id: z.string(),
  session: z.string().refine((name) => invalidName(name) === undefined, "is no session's name"),
  role: z.string().refine((name) => invalidName(name) === undefined, "is no role's name"),
  /** The agent's id. */
  agent: z.string(),
  preset: z.string(),
  host: z.string(),
  /** Where it is done, absolute: a worktree, or the folder of an agent without a repository. */
  folder: z.string().startsWith("/"),
  /** The repository, the branch and the commit that it begins at; all or none. */
  repo: z.string().startsWith("/").optional(),
  branch: z.string().min(1).optional(),
  base: z.string().regex(/^[0-9a-f]{40,64}$/).optional(),
  acp_session: z.string().optional(),
  mode: z.string().optional(),
  /** What processes of the attempt are found by. */
  marks: z.array(z.string()),
  attempt: z.int().min(1),
  /** How many snapshots were made in this attempt. */
  snapshots: z.int().min(0),
  state: z.enum(["preparing", "running", "done", "failed", "cancelled", "interrupted"]),
  /** What earlier attempts have used, for the limits of the work item. */
  spent_ms: z.number().min(0).optional(),
  spent_turns: z.int().min(0).optional(),
  spent_usage: z.object({
    input_tokens: z.number().optional(),
    output_tokens: z.number().optional(),
    cached_tokens: z.number().optional(),
    cost: z.object({ amount: z.number(), currency: z.string() }).optional(),
  }).optional(),
  commit: z.string().regex(/^[0-9a-f]{40,64}$/).optional(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

/** A record. Fields that a later version adds are kept. */
export type WorkRecord = Readonly<z.infer<typeof SHAPE>>;

/** A record of work that is done in a worktree. */
export type WorktreeRecord = WorkRecord & Required<Pick<WorkRecord, "repo" | "branch" | "base">>;

/** Whether the work is done in a worktree, and not in a folder as it is. */
export function hasWorktree(record: WorkRecord): record is WorktreeRecord {
  return record.repo !== undefined && record.branch !== undefined && record.base !== undefined;
}

/** A file that is no record. */
export interface RecordProblem {
  readonly path: string;
  readonly why: string;
}

/** Where a work item's record is. */
export function recordPath(
  worktrees: string,
  record: Pick<WorkRecord, "session" | "role" | "key">,
): string {
  return join(worktrees, "records", `${recordName(record)}.json`);
}

/**
 * A name for a work item's files: `{session}.{role}.{key}`. A key that cannot stand in a file's
 * name, which a lease of an old relay can be, is replaced by its hash.
 */
export function recordName(
  { session, role, key }: Pick<WorkRecord, "session" | "role" | "key">,
): string {
  const isPlain = /^[0-9A-Za-z][0-9A-Za-z.-]{0,79}$/.test(key);
  const plain = isPlain ? key : createHash("sha256").update(key).digest("hex").slice(0, 32);
  return `${session}.${role}.${plain}`;
}

/** What is kept of a work item besides its record, a folder each, and what its files end in. */
const KEPT = { answers: ".json", patches: ".patch", transcripts: ".ndjson" } as const;

/** Where something is that is kept of a work item. */
export function keptPath(
  worktrees: string,
  kind: keyof typeof KEPT,
  record: Pick<WorkRecord, "session" | "role" | "key">,
): string {
  return join(worktrees, kind, `${recordName(record)}${KEPT[kind]}`);
}

/**
 * Patches and transcripts, and what writing a record has left when it was killed, that nothing has
 * happened to for a while.
 *
 * @param except Whose are left out.
 */
export async function oldFiles(
  worktrees: string,
  { olderMs, except }: {
    readonly olderMs: number;
    readonly except: readonly Pick<WorkRecord, "session" | "role" | "key">[];
  },
): Promise<string[]> {
  const names = new Set(except.map(recordName));
  const found: string[] = [];
  const { patches, transcripts } = KEPT;
  for (const [folder, ending] of Object.entries({ patches, transcripts, records: ".tmp" })) {
    for (const path of await filesIn(join(worktrees, folder), ending)) {
      if (names.has(basename(path, ending))) continue;
      const { mtime } = await Deno.lstat(path);
      if (mtime !== null && Date.now() - mtime.getTime() > olderMs) found.push(path);
    }
  }
  return found;
}

/**
 * Reads a record.
 *
 * @returns Undefined if there is none.
 * @throws {Error} If it cannot be read, or is none: it says what is wrong.
 */
export async function readRecord(path: string): Promise<WorkRecord | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return parseRecord(text);
}

/** Writes a record: all of it, or nothing. Only its owner may read it. */
export async function writeRecord(worktrees: string, record: WorkRecord): Promise<void> {
  const path = recordPath(worktrees, record);
  await Deno.mkdir(join(worktrees, "records"), { recursive: true, mode: 0o700 });
  const next = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.writeTextFile(next, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
    await Deno.rename(next, path);
  } catch (error) {
    await Deno.remove(next).catch(() => {});
    throw error;
  }
}

/** Removes a record, if it is there, and the answer that belongs to it. */
export async function removeRecord(
  worktrees: string,
  record: Pick<WorkRecord, "session" | "role" | "key">,
): Promise<void> {
  for (const path of [keptPath(worktrees, "answers", record), recordPath(worktrees, record)]) {
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Reads all records, the oldest work first. Files that are none are told, and left alone. */
export async function listRecords(
  worktrees: string,
): Promise<{ readonly records: WorkRecord[]; readonly problems: RecordProblem[] }> {
  const records: WorkRecord[] = [];
  const problems: RecordProblem[] = [];
  for (const path of await filesIn(join(worktrees, "records"), ".json")) {
    try {
      const record = await readRecord(path);
      if (record !== undefined) records.push(record);
    } catch (error) {
      problems.push({ path, why: messageOf(error) });
    }
  }
  records.sort((a, b) => a.created_at.localeCompare(b.created_at) || a.sequence - b.sequence);
  return { records, problems };
}

async function filesIn(folder: string, ending: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ name }) => name.endsWith(ending))
      .map(({ name }) => join(folder, name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function parseRecord(text: string): WorkRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`It is no JSON (${text.length} characters)`);
  }
  const parsed = SHAPE.loose().safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`It is no work record: ${issue?.path.join(".")}: ${issue?.message}`);
}
