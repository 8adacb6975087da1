import { fileURLToPath } from "node:url";

/**
 * The command that runs the fake coding agent; its flags and its language are described at the top
 * of `fake_acp_agent.ts`. It finds its packages where this process does: coding agents get a few
 * variables only, and in an empty cache they would have to be fetched first.
 */
export function fakeAcpCommand(...flags: readonly string[]): string[] {
  const program = fileURLToPath(new URL("fake_acp_agent.ts", import.meta.url));
  const cache = Deno.env.get("DENO_DIR");
  const before = cache === undefined ? [] : ["/usr/bin/env", `DENO_DIR=${cache}`];
  return [...before, Deno.execPath(), "run", "-q", "-A", program, ...flags];
}
