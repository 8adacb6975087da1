/**
 * What the help of every command has in common.
 *
 * @module
 */
import { EXIT_CODES_HELP } from "./exit_codes.ts";

/** The flag `--nats`: its syntax, and its help. */
export const NATS_FLAG = [
  "--nats <url>",
  "where NATS is (default: $NATS_URL, else that of ourocodus start, else nats://localhost:4222)",
] as const;

/** The end of a command's help: examples, and the exit codes. */
export function helpEnd(examples: readonly string[], notes = ""): string {
  const lines = examples.map((example) => `  $ ourocodus ${example}`).join("\n");
  return `\n${notes === "" ? "" : `${notes}\n\n`}Examples:\n${lines}\n\n${EXIT_CODES_HELP}`;
}
