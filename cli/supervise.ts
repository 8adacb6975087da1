import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { findHome, partEnvironment } from "@ourocodus/system";
import type { Done } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT } from "./exit_codes.ts";
import { runBackground } from "./foreground.ts";

/** `supervise`, which `start` runs in the background; not for people. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return new Command()
    .description("Keeps what start and agent start have started running.")
    .action(async () => {
      const environment = partEnvironment(console.env.toObject?.() ?? {});
      await runBackground(findHome(console.env), console, environment);
      done(EXIT.ok);
    });
}
