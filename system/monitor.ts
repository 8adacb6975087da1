/**
 * The monitor that the API serves: an executable has it in it, source has to be bundled first.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { SystemError } from "./system_error.ts";

/** Bundles it, unless that was done since it was changed. @throws {SystemError} If it cannot be. */
export async function ensureMonitor(): Promise<void> {
  if (Deno.build.standalone) return;
  const script = fileURLToPath(new URL("../web/ensure.ts", import.meta.url));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", script],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new SystemError("The monitor cannot be bundled:", {
    lines: new TextDecoder().decode(stderr).trim().split("\n"),
  });
}
