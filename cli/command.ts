/**
 * What the file of a command has: the declaration of its flags and help, from which the type of
 * the flags is inferred, and the function that runs it.
 *
 * @module
 */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";

/** Told the exit code of the command that ran. */
export type Done = (code: ExitCode) => void;

/** What it exports. program.ts gives the command its name and summary. */
export interface CommandFile<Surroundings = Console> {
  /** @param program Makes the program with all its commands. */
  readonly command: (
    console: Surroundings,
    done: Done,
    program: () => Promise<CommandUnknownOpts>,
  ) => CommandUnknownOpts;
}

/** The values of a command's flags, by its declaration. */
export type FlagsOf<Declare extends () => { opts(): unknown }> = Readonly<
  ReturnType<ReturnType<Declare>["opts"]>
>;
