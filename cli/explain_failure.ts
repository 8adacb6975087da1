import { SystemError } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { harmless, paint } from "./terminal_text.ts";
import { readableLogLine } from "./log_line.ts";

/**
 * Runs a command of the system; what makes it fail is printed, with the end of a log where there
 * is one.
 */
export async function explainFailure(
  console: Console,
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    if (console.signal.aborted) return EXIT.interrupted;
    if (error instanceof SystemError) {
      const lines = error.lines.map((line) => `  ${readableLogLine(line, paint(false))}\n`);
      await console.err.write(`error: ${harmless(error.message)}\n${lines.join("")}`);
      return EXIT.failed;
    }
    // Known by its name, so that set-up is loaded only where it is needed. Its text has lines.
    if (error instanceof Error && error.name === "SetupError") {
      await console.err.write(`error: ${error.message}\n`);
      return EXIT.failed;
    }
    throw error;
  }
}
