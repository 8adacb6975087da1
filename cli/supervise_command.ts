import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";

/** `supervise`, which `start` runs in the background; not for people. */
export function superviseCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("supervise")
    .description("Keeps what start and agent start have started running.");
  command.action(async () => {
    const { runBackground } = await import("./foreground.ts");
    const { findHome, partEnvironment } = await import("@ourocodus/system");
    const environment = partEnvironment(console.env.toObject?.() ?? {});
    await runBackground(findHome(console.env), console, environment);
    done(EXIT.ok);
  });
  return command as unknown as Command;
}
