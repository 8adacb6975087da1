/**
 * The parts of help that commands share.
 *
 * @module
 */
import { EXIT_CODES_HELP } from "./exit_codes.ts";

/** The flag `--nats`: its syntax, and its help. */
export const NATS_FLAG = [
  "--nats <url>",
  "NATS (default: $NATS_URL, else that of ourocodus start, else nats://localhost:4222)",
] as const;

/** How long --wait waits without --timeout. */
export const WAIT_TIMEOUT = "30s";

/** The flag `--timeout` of commands with --wait: its syntax, and its help. */
export const WAIT_TIMEOUT_FLAG = [
  "--timeout <duration>",
  `with --wait: the longest wait for a (further) result (default: ${WAIT_TIMEOUT})`,
] as const;

/** The end of a command's help: notes in lines of 80 columns, examples, and the exit codes. */
export function helpEnd(examples: readonly string[], notes = ""): string {
  const lines = examples.map((example) => `  $ ourocodus ${example}`).join("\n");
  const above = notes === "" ? "" : `${notes.split("\n\n").map(filled).join("\n\n")}\n\n`;
  return `\n${above}Examples:\n${lines}\n\n${EXIT_CODES_HELP}`;
}

const COLUMNS = 80;

/** A paragraph filled to 80 columns; one with indented lines is a table, and stays unchanged. */
function filled(paragraph: string): string {
  if (/^ /m.test(paragraph)) return paragraph;
  const lines: string[] = [];
  for (const word of paragraph.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= COLUMNS) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines.join("\n");
}
