/**
 * What a permission request is about, as a text that people may make a rule of: `execute: npm test`.
 *
 * Two requests have the same text only if what they do is the same as far as the agent tells: a command
 * is whole, a path is where it leads to. What an agent does not tell so exactly, such as the arguments
 * of an unknown tool, has none, and is asked about each time; nor has a text that people could not read
 * as it is, or not at a glance.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import { invalidFingerprint } from "@ourocodus/protocol";
import type { PermissionQuestion } from "./permission_question.ts";
import { PATH_KINDS } from "./permission_rules.ts";
import { placeOf } from "./worktree_path.ts";

/**
 * The text.
 *
 * @param root The worktree, absolute: paths in it are told from there, so that they are the same in
 * the worktree of other work.
 * @returns `undefined` if the request has none.
 */
export function fingerprintOf(
  { kind, command, cwd, paths }: PermissionQuestion,
  root: string,
): string | undefined {
  const text = kind === "execute"
    ? command && commandText(command, cwd, root)
    : PATH_KINDS.includes(kind)
    ? pathsText(kind, paths, root)
    : undefined;
  return invalidFingerprint(text) === undefined ? text : undefined;
}

/** A shell's text and a program's words are not to be taken for each other, nor a folder for either. */
function commandText(
  command: string | readonly string[],
  cwd: string | undefined,
  root: string,
): string | undefined {
  const folder = cwd === undefined ? undefined : placeText(cwd, root);
  if (cwd !== undefined && folder === undefined) return undefined;
  const where = folder === undefined ? "execute" : `execute in ${JSON.stringify(folder)}`;
  return typeof command === "string"
    ? `${where}: ${command}`
    : `${where} without a shell: ${JSON.stringify(command)}`;
}

function pathsText(kind: string, paths: readonly string[], root: string): string | undefined {
  const places = paths.map((path) => placeText(path, root));
  if (places.length === 0 || places.includes(undefined)) return undefined;
  return `${kind}: ${places.map((place) => JSON.stringify(place)).join(", ")}`;
}

function placeText(path: string, root: string): string | undefined {
  const place = placeOf(root, path);
  if (place.kind === "inside") return place.path;
  return isAbsolute(path) ? path : undefined;
}
