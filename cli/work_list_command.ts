import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `work list`: what has no outcome yet. */
export function workListCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("list")
    .summary("list work that has no outcome yet")
    .description(
      "Lists a session's work that has no outcome yet, the oldest first: what waits, and what " +
        "agents have in hand.",
    )
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("only this role's"))
    .option("--after <sequence>", "only work that was sent after that with this sequence")
    .option("-n, --limit <count>", "at most so many; 100")
    .option("--json", "a line of JSON each, with the payload")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["work list -s docs", "work list -s docs --json | jq -r .id"]),
    );
  command.action(async (flags) => {
    const { workList } = await import("./work_list.ts");
    done(await workList(flags, console));
  });
  return command as unknown as Command;
}
