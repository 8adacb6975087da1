/**
 * Files that an agent reads and writes through us.
 *
 * opencode 1.18 sends `fs/write_text_file` though we declare no `fs`. Such requests are answered for
 * presets that need it, and only inside the worktree, whatever links it has.
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { constants, lstatSync, realpathSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";

/** The largest file that is read for an agent, in bytes. */
const MAX_READ_BYTES = 16 * 1024 * 1024;

/**
 * Where a path that an agent names leads to.
 *
 * @param root The worktree; may itself be named through links.
 * @returns The real path, or why it is not inside the worktree. A file that does not exist is
 * inside if its folder is.
 */
export function placeInside(
  root: string,
  path: string,
): { readonly kind: "ok"; readonly path: string } | {
  readonly kind: "outside";
  readonly why: string;
} {
  const outside = (why: string) =>
    ({ kind: "outside", why: `${JSON.stringify(path)} ${why}` }) as const;
  if (!isAbsolute(path) || path.includes("\0")) return outside("is no absolute path");
  const real = realpathSync(root);
  const whole = resolve(path);
  let folder: string;
  try {
    folder = realpathSync(dirname(whole));
  } catch {
    return outside("is in a folder that does not exist");
  }
  const place = join(folder, basename(whole));
  if (!place.startsWith(real + sep)) return outside(`is outside of the worktree ${real}`);
  const inGit = place.slice(real.length + 1).split(sep)[0]?.toLowerCase() === ".git";
  if (inGit) return outside("is git's own");
  try {
    if (lstatSync(place).isSymbolicLink()) return outside("is a symbolic link");
    if (!lstatSync(place).isFile()) return outside("is no file");
  } catch {
    // It does not exist yet.
  }
  return { kind: "ok", path: place };
}

/** Writes a file of the worktree for the agent. */
export async function writeForAgent(
  root: string,
  { path, content }: acp.WriteTextFileRequest,
): Promise<void> {
  const place = insideOrRefuse(root, path);
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  // O_NOFOLLOW: a command of the agent could put a link there since we looked.
  const file = await open(place, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o666);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

/** Reads a file of the worktree for the agent: all of it, or `limit` lines from line `line`. */
export async function readForAgent(
  root: string,
  { path, line, limit }: acp.ReadTextFileRequest,
): Promise<acp.ReadTextFileResponse> {
  const place = insideOrRefuse(root, path);
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => {
    throw acp.RequestError.resourceNotFound(path);
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_READ_BYTES) {
      const limit = `limit is ${MAX_READ_BYTES} bytes`;
      throw acp.RequestError.invalidParams({ path }, `${path} has ${size} bytes, ${limit}`);
    }
    const content = await file.readFile({ encoding: "utf8" });
    const start = Math.max(0, (line ?? 1) - 1);
    const end = limit ? start + limit : undefined;
    if (start === 0 && end === undefined) return { content };
    return { content: content.split("\n").slice(start, end).join("\n") };
  } finally {
    await file.close();
  }
}

function insideOrRefuse(root: string, path: string): string {
  const place = placeInside(root, path);
  if (place.kind === "outside") throw acp.RequestError.invalidParams({ path }, place.why);
  return place.path;
}
