/**
 * Whether a path that an agent names is in its worktree, with symbolic links followed.
 *
 * What is true now may not be true when the agent writes: a command that runs meanwhile can put a
 * link there. This is a check of what an agent asks for, the sandbox is what holds it.
 *
 * @module
 */
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Where a path is. */
export type PathPlace =
  | {
    readonly kind: "inside";
    /** Relative to the worktree, `.` for itself. */
    readonly path: string;
  }
  | { readonly kind: "outside"; readonly why: string };

const MAX_CHARACTERS = 4_096;

/**
 * Says where a path is.
 *
 * @param root The worktree, absolute.
 * @param path Absolute, or relative to the worktree; need not exist.
 */
export function placeOf(root: string, path: string): PathPlace {
  if (path === "" || path.includes("\0") || path.length > MAX_CHARACTERS) {
    return { kind: "outside", why: "is no path" };
  }
  // The agent may take these for something else than a name.
  if (path.startsWith("~") || path.startsWith("$") || /^[a-z][\w+.-]*:/i.test(path)) {
    return { kind: "outside", why: "is no plain path" };
  }
  const lexical = inside(resolve(root), resolve(root, path));
  // Some programs take `link/..` by its letters, others follow the link first: both must be inside.
  const climbs = path.split("/").includes("..");
  if (lexical === undefined && (climbs || !isAbsolute(path))) return OUTSIDE;
  try {
    const realRoot = Deno.realPathSync(root);
    const real = inside(realRoot, realPath(isAbsolute(path) ? path : `${realRoot}/${path}`));
    if (real !== undefined) return { kind: "inside", path: real };
    return lexical === undefined ? OUTSIDE : { kind: "outside", why: LINKED };
  } catch {
    return { kind: "outside", why: "cannot be looked at" };
  }
}

const LINKED = "leads out of the worktree by a symbolic link";
const OUTSIDE: PathPlace = { kind: "outside", why: "is outside of the worktree" };

/** Follows each link on the way, as the system does. A link that leads nowhere throws. */
function realPath(path: string): string {
  let real = "/";
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    const next = segment === ".." ? dirname(real) : join(real, segment);
    real = exists(next) ? Deno.realPathSync(next) : next;
  }
  return real;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function inside(root: string, path: string): string | undefined {
  const found = relative(root, path);
  if (found === "") return ".";
  return found === ".." || found.startsWith(`..${sep}`) || isAbsolute(found) ? undefined : found;
}
