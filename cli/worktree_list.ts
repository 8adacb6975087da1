import { join } from "node:path";
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { GitError, type WorktreeRecord } from "@ourocodus/git";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import {
  findRecords,
  isWorktreeLeft,
  REPO_FLAG,
  Repositories,
  WORKTREES_FLAG,
} from "./local_git.ts";
import { helpEnd } from "./shared_flags.ts";
import { type Cell, headRow, table } from "./table.ts";
import { bytesText, harmless, jsonLine, type Paint, paint, span } from "./terminal_text.ts";

/** `worktree list`: lists the worktrees of coding agents of this machine. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await worktreeList(flags, console)));
}

function declare() {
  return new Command()
    .description("Lists worktrees with their work, and the changes in them that no commit has.")
    .option(...REPO_FLAG)
    .option(...WORKTREES_FLAG)
    .option("--json", "print a line of JSON per worktree")
    .addHelpText("after", helpEnd(["worktree list", "worktree list --json | jq -r .folder"]));
}

type Flags = FlagsOf<typeof declare>;

interface Row {
  readonly record: WorktreeRecord;
  /** Undefined if the folder is not there. */
  readonly bytes: number | undefined;
  /** Changes that no commit has, in words. */
  readonly changes: string | undefined;
}

/** Runs the command. @throws {GitError} If `--repo` is no repository. */
async function worktreeList(
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const { out, err } = console;
  const repositories = new Repositories(console);
  const wanted = flags.repo === undefined ? undefined : await repositories.open(flags.repo);
  const { found, problems } = await findRecords(console, flags.worktrees);
  for (const { path, why } of problems) {
    await err.write(`warning: ${harmless(path)} is left out: ${harmless(why)}\n`);
  }
  const records = found.map(({ record }) => record)
    .filter(({ repo }) => wanted === undefined || repo === wanted.root);
  const rows: Row[] = [];
  for (const record of records) {
    if (await isWorktreeLeft(record)) rows.push(await look(record, repositories));
  }
  if (flags.json) {
    for (const row of rows) await out.write(jsonLine(jsonOf(row)));
  } else if (rows.length === 0) {
    await out.write("No worktrees\n");
  } else {
    await out.write(`${rowsText(rows, paint(out.hasColor)).join("\n")}\n`);
  }
  return EXIT.ok;
}

async function look(record: WorktreeRecord, repositories: Repositories): Promise<Row> {
  const bytes = await sizeOf(record.folder);
  if (bytes === undefined) return { record, bytes, changes: undefined };
  try {
    const repository = await repositories.open(record.repo);
    const worktree = await repository.openWorktree(record);
    return { record, bytes, changes: await worktree.inspect() };
  } catch (error) {
    if (error instanceof GitError) return { record, bytes, changes: error.message };
    throw error;
  }
}

/** Of the files in a folder, links not followed. */
async function sizeOf(folder: string): Promise<number | undefined> {
  let bytes = 0;
  const folders = [folder];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    try {
      for await (const { name, isDirectory } of Deno.readDir(path)) {
        const full = join(path, name);
        if (isDirectory) folders.push(full);
        else bytes += (await Deno.lstat(full)).size;
      }
    } catch (error) {
      // An agent may be at work in it.
      if (path === folder && error instanceof Deno.errors.NotFound) return undefined;
    }
  }
  return bytes;
}

function jsonOf({ record, bytes, changes }: Row): unknown {
  const { sequence, id, session, role, state, branch, base, commit, repo, folder } = record;
  const { attempt, created_at, updated_at } = record;
  const work = { work_sequence: sequence, id, session_id: session, role, state, attempt };
  const place = { repo, folder, branch, base, commit: commit ?? null };
  const now = { bytes: bytes ?? null, changes: changes ?? null };
  return { ...work, ...place, created_at, updated_at, ...now };
}

function rowsText(rows: readonly Row[], paint: Paint): string[] {
  const names = ["SEQUENCE", "WORK", "STATE", "AGE", "SIZE", "BRANCH", "FOLDER", "CHANGES"];
  return table([
    headRow(names, paint.dim),
    ...rows.map(({ record, bytes, changes }): Cell[] => [
      String(record.sequence),
      `${record.session}/${record.role}`,
      stateCell(record.state, paint),
      span(Math.max(0, Date.now() - Date.parse(record.created_at))),
      bytes === undefined ? "gone" : bytesText(bytes),
      harmless(record.branch),
      harmless(record.folder),
      changes === undefined ? "none" : { text: harmless(changes), color: paint.yellow },
    ]),
  ]);
}

function stateCell(state: WorktreeRecord["state"], paint: Paint): Cell {
  const colors = {
    preparing: paint.blue,
    running: paint.blue,
    done: paint.green,
    failed: paint.red,
    cancelled: paint.yellow,
    interrupted: paint.yellow,
  };
  return { text: state, color: colors[state] };
}
