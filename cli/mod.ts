/**
 * The command line, to be run within a program of one's own. `main.ts` runs it as a program.
 *
 * @module
 */
export type { Console } from "./console.ts";
export { EXIT, type ExitCode } from "./exit_codes.ts";
export { ClosedOutputError, type Output, OutputError } from "./output.ts";
export { run } from "./program.ts";
