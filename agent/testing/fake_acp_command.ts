import { fileURLToPath } from "node:url";

/**
 * The command that runs the fake coding agent; its flags and its language are described at the top
 * of `fake_acp_agent.ts`.
 */
export function fakeAcpCommand(...flags: readonly string[]): string[] {
  const program = fileURLToPath(new URL("fake_acp_agent.ts", import.meta.url));
  return [Deno.execPath(), "run", "-q", "-A", program, ...flags];
}
