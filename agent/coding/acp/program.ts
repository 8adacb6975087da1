import { findProgram } from "../../processes/mod.ts";
import type { Preset } from "./presets.ts";

/** An agent's command, or why there is none, with the command to paste at the end. */
export type FoundAgent =
  | { readonly kind: "ok"; readonly command: readonly string[] }
  | { readonly kind: "missing"; readonly reason: string };

/**
 * Finds the program of a coding agent.
 *
 * @param env Its environment. A command with a slash is seen from the current folder.
 */
export function findAgent(preset: Preset, env: Readonly<Record<string, string>>): FoundAgent {
  const [program = "", ...args] = preset.command;
  const found = findProgram(program, { path: env.PATH, cwd: Deno.cwd() });
  if (found.kind === "ok") return { kind: "ok", command: [found.path, ...args] };
  const { title, install } = preset;
  const next = install === undefined ? "" : `; install it: ${install}`;
  return { kind: "missing", reason: `Cannot find ${title}: ${found.reason}${next}` };
}
