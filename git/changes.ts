/**
 * What has changed between two commits: a list of files, and a patch that `git apply` takes.
 *
 * Files are not looked at, so no `.gitattributes` that an agent wrote counts. A file whose changes
 * are not UTF-8 is in the patch as a binary one, as a patch has to go through JSON.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { pathText, splitNul, utf8 } from "./byte_path.ts";
import { failure, type Git, type GitPlace } from "./git_process.ts";

/** What happened to a file. */
export type FileStatus = "added" | "modified" | "deleted" | "renamed" | "type_changed";

/** A file that has changed. */
export interface ChangedFile {
  /** Quoted as git does (`"a\377b"`) if it is not UTF-8. */
  readonly path: string;
  readonly status: FileStatus;
  /** The path before, of a renamed file. */
  readonly from?: string;
  /** Lines; null of a binary file. */
  readonly added: number | null;
  readonly removed: number | null;
}

/** What has changed. */
export interface Changes {
  readonly files: readonly ChangedFile[];
  /** Undefined if it is larger than allowed. */
  readonly patch: string | undefined;
  readonly patchBytes: number;
}

/** Options of {@linkcode Worktree.changes}. */
export interface ChangesOptions {
  /** Bytes; 64 MiB by default. */
  readonly maxPatchBytes?: number;
  /** A larger patch is written there, for its owner alone. */
  readonly patchFile?: string;
}

const MAX_PATCH_BYTES = 64 * 1024 * 1024;

/** Compares two commits. @throws {GitError} */
export async function readChanges(
  git: Git,
  commonDir: string,
  options: ChangesOptions & { readonly base: string; readonly commit: string },
): Promise<Changes> {
  const place = apart(commonDir);
  const args = ["diff-tree", "-r", "-z", "--raw", "--numstat", ...FLAGS];
  const [list, { patch, patchBytes }] = await Promise.all([
    git.run([...args, options.base, options.commit], { place }),
    readPatch(git, commonDir, options),
  ]);
  return { files: parseFiles(list.stdout), patch, patchBytes };
}

/** Only the patch of {@linkcode readChanges}. @throws {GitError} */
export async function readPatch(
  git: Git,
  commonDir: string,
  { base, commit, maxPatchBytes = MAX_PATCH_BYTES, patchFile }: ChangesOptions & {
    readonly base: string;
    readonly commit: string;
  },
): Promise<{ readonly patch: string | undefined; readonly patchBytes: number }> {
  const place = apart(commonDir);
  const args = ["diff-tree", "-r", "-p", ...PATCH_FLAGS, base, commit];
  const bytes = await collect(git, args, { place, maxPatchBytes, patchFile });
  if (typeof bytes === "number") return { patch: undefined, patchBytes: bytes };
  const patch = utf8(bytes);
  if (patch !== undefined) return { patch, patchBytes: bytes.length };
  const mixed = await withBinaries(git, { place, args, bytes });
  if (mixed.length > maxPatchBytes) {
    if (patchFile !== undefined) await Deno.writeFile(patchFile, bytes, { mode: 0o600 });
    return { patch: undefined, patchBytes: bytes.length };
  }
  return { patch: new TextDecoder().decode(mixed), patchBytes: mixed.length };
}

const FLAGS = ["-M", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short"];
const PATCH_FLAGS = [
  ...FLAGS,
  "--binary",
  "--full-index",
  "--unified=3",
  "--src-prefix=a/",
  "--dst-prefix=b/",
];

/** A place without files and without an index, where no attributes are found. */
function apart(commonDir: string): GitPlace {
  const index = join(commonDir, "ourocodus-no-index");
  return { gitDir: commonDir, workTree: commonDir, index };
}

/** @returns The bytes, or how many there are if they are too many. */
async function collect(
  git: Git,
  args: readonly string[],
  { place, maxPatchBytes, patchFile }: {
    readonly place: GitPlace;
    readonly maxPatchBytes: number;
    readonly patchFile: string | undefined;
  },
): Promise<Uint8Array | number> {
  const child = git.spawn(args, { place });
  const said = new Response(child.stderr).text();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let file: Deno.FsFile | undefined;
  try {
    for await (const chunk of child.stdout) {
      size += chunk.length;
      if (size <= maxPatchBytes) {
        chunks.push(chunk);
      } else if (patchFile !== undefined) {
        file ??= await Deno.open(patchFile, {
          create: true,
          truncate: true,
          write: true,
          mode: 0o600,
        });
        for (const part of [...chunks.splice(0), chunk]) await writeAll(file, part);
      } else {
        chunks.length = 0;
      }
    }
  } finally {
    file?.close();
  }
  const { code } = await child.status;
  if (code !== 0) throw failure(args, code, await said);
  await said;
  if (size > maxPatchBytes) return size;
  return Buffer.concat(chunks);
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Takes the files that are not UTF-8 from a patch in which all files are binary. */
async function withBinaries(
  git: Git,
  { place, args, bytes }: {
    readonly place: GitPlace;
    readonly args: readonly string[];
    readonly bytes: Uint8Array;
  },
): Promise<Uint8Array> {
  const attributes = await Deno.makeTempFile({ prefix: "ourocodus-attributes-" });
  try {
    await Deno.writeTextFile(attributes, "* -diff\n");
    const binaryArgs = ["-c", `core.attributesFile=${attributes}`, ...args];
    const { stdout } = await git.run(binaryArgs, { place });
    const [text, binary] = [sections(bytes), sections(stdout)];
    if (text.length !== binary.length) return stdout;
    const parts = text.map((section, index) =>
      utf8(section) === undefined ? binary[index] ?? section : section
    );
    return Buffer.concat(parts);
  } finally {
    await Deno.remove(attributes);
  }
}

/** A patch's files. No line of a file's content begins with `diff --git `: each has a sign before. */
function sections(patch: Uint8Array): Uint8Array[] {
  const head = new TextEncoder().encode("diff --git ");
  const starts: number[] = [];
  for (let at = 0; at >= 0 && at < patch.length;) {
    if (head.every((byte, index) => patch[at + index] === byte)) starts.push(at);
    const end = patch.indexOf(10, at);
    if (end < 0) break;
    at = end + 1;
  }
  return starts.map((start, index) => patch.subarray(start, starts[index + 1]));
}

const STATUS: Readonly<Record<string, FileStatus>> = {
  A: "added",
  M: "modified",
  D: "deleted",
  R: "renamed",
  T: "type_changed",
};

/** Parses `--raw --numstat -z`: first all raw entries, then the same files' numbers. */
function parseFiles(output: Uint8Array): ChangedFile[] {
  const parts = splitNul(output);
  const text = (part: Uint8Array | undefined) => new TextDecoder().decode(part);
  let at = 0;
  const files: Array<Omit<ChangedFile, "added" | "removed">> = [];
  while (parts[at]?.[0] === 0x3a) {
    const letter = text(parts[at]).split(" ")[4]?.[0] ?? "";
    const first = pathText(parts[at + 1] ?? new Uint8Array());
    const status = STATUS[letter] ?? "modified";
    if (status === "renamed") {
      files.push({ path: pathText(parts[at + 2] ?? new Uint8Array()), status, from: first });
    } else {
      files.push({ path: first, status });
    }
    at += status === "renamed" ? 3 : 2;
  }
  return files.map((file) => {
    const [added = "", removed = ""] = text(parts[at]).split("\t", 2);
    at += file.status === "renamed" ? 3 : 1;
    return { ...file, added: lines(added), removed: lines(removed) };
  });
}

function lines(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}
