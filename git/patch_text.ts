/**
 * Reading a patch: which files it changes, without a repository.
 *
 * @module
 */
import { unquotedPath } from "./byte_path.ts";

/** A file in a patch. */
export interface PatchedFile {
  readonly path: string;
  /** The path before, of a renamed or copied file. */
  readonly from?: string;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  /** Lines; null of a binary file. */
  readonly added: number | null;
  readonly removed: number | null;
  /** The contents' ids before and after, where the patch says them; zeros for none. */
  readonly ids?: readonly [string, string];
}

/** Reads a patch in git's format. What is none of it is passed over. */
export function patchedFiles(patch: string): PatchedFile[] {
  const files: PatchedFile[] = [];
  let section: string[] = [];
  // Not split by other line ends: those stand in files' contents.
  for (const line of [...patch.split("\n"), "diff --git "]) {
    if (!line.startsWith("diff --git ")) {
      section.push(line);
      continue;
    }
    const [head = ""] = section;
    if (head.startsWith("diff --git ")) files.push(readSection(head, section.slice(1)));
    section = [line];
  }
  return files;
}

function readSection(head: string, lines: readonly string[]): PatchedFile {
  const bodyAt = lines.findIndex((line) => /^(?:@@ |GIT binary patch|Binary files )/.test(line));
  const header = bodyAt < 0 ? lines : lines.slice(0, bodyAt);
  const body = bodyAt < 0 ? [] : lines.slice(bodyAt);
  const value = (prefix: string) =>
    header.find((line) => line.startsWith(prefix))?.slice(prefix.length);
  const isBinary = /^(?:GIT|Binary)/.test(body[0] ?? "");
  const from = value("rename from ") ?? value("copy from ");
  const to = value("rename to ") ?? value("copy to ") ?? sidePath(value("+++ "), "b/") ??
    sidePath(value("--- "), "a/") ?? headPath(head);
  const status = value("new file mode ") !== undefined
    ? "added"
    : value("deleted file mode ") !== undefined
    ? "deleted"
    : value("rename from ") !== undefined
    ? "renamed"
    : "modified";
  const [, before, after] = /^([0-9a-f]{40,64})\.\.([0-9a-f]{40,64})/.exec(value("index ") ?? "") ??
    [];
  const counted = (sign: string) =>
    isBinary ? null : body.filter((line) => line.startsWith(sign)).length;
  return {
    path: unquotedPath(to),
    ...(from !== undefined && { from: unquotedPath(from) }),
    status,
    added: counted("+"),
    removed: counted("-"),
    ...(before !== undefined && after !== undefined && { ids: [before, after] as const }),
  };
}

/** The path of a line `--- a/path`; git puts a tab after one with a space. */
function sidePath(text: string | undefined, prefix: string): string | undefined {
  const path = text?.replace(/\t$/, "");
  if (path === undefined || path === "/dev/null") return undefined;
  if (path.startsWith(`"${prefix}`)) return `"${path.slice(prefix.length + 1)}`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

/** Of a file without lines: both sides are the same path. */
function headPath(head: string): string {
  const sides = head.slice("diff --git ".length);
  const quoted = /^"a\/(.*)" "b\/\1"$/s.exec(sides);
  if (quoted !== null) return `"${quoted[1]}"`;
  const [, path] = /^a\/(.*) b\/\1$/s.exec(sides) ?? [];
  return path ?? sides;
}
