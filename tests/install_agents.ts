/**
 * `deno task agents`: installs the real coding agents that tests run, at their pinned versions, into
 * `~/.cache/ourocodus/test-agents`, by npm. What is there is left as it is. The exit code is 1 if
 * one could not be installed.
 *
 * @module
 */
import { installCodingAgents } from "./support/coding_agents/mod.ts";

const failed = await installCodingAgents(Deno.env.toObject(), (line) => console.log(line));
if (failed.length > 0) {
  const names = failed.map(({ name }) => name).join(", ");
  console.error(`Could not be installed: ${names}. Tests of them fail in CI, and are not run here`);
  Deno.exit(1);
}
