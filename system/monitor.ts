/**
 * The monitor that the API serves: an executable has it in it, source has to be bundled first.
 *
 * @module
 */
import { runToEnd } from "@ourocodus/setup";
import { fileURLToPath } from "node:url";
import { SystemError } from "./system_error.ts";

/** Bundles it, unless that was done since it was changed. @throws {SystemError} If it cannot be. */
export async function ensureMonitor(): Promise<void> {
  if (Deno.build.standalone) return;
  const script = fileURLToPath(new URL("../web/ensure.ts", import.meta.url));
  const args = ["run", "--quiet", "--allow-all", script];
  const { success, stderr } = await runToEnd(Deno.execPath(), args);
  if (success) return;
  throw new SystemError("The monitor cannot be bundled:", {
    lines: stderr.trim().split("\n"),
  });
}
