import { findProgram } from "../../processes/mod.ts";
import type { Preset } from "./presets.ts";

/** An agent's command, or why there is none, with the command to paste at the end. */
export type FoundAgent =
  | { readonly kind: "ok"; readonly command: readonly string[] }
  | { readonly kind: "missing"; readonly reason: string };

/**
 * Finds the program of a coding agent.
 *
 * @param options `path` is the value of `PATH`; `cwd` is where a command with a slash is seen from.
 */
export function findAgent(
  preset: Preset,
  options: { readonly path: string | undefined; readonly cwd: string },
): FoundAgent {
  const [program = "", ...args] = preset.command;
  const found = findProgram(program, options);
  if (found.kind === "ok") return { kind: "ok", command: [found.path, ...args] };
  const { title, install } = preset;
  const next = install === undefined ? "" : `; install it: ${install}`;
  return { kind: "missing", reason: `Cannot find ${title}: ${found.reason}${next}` };
}
