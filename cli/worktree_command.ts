import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `worktree`: the folders that agents of this machine work in. */
export function worktreeCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("worktree")
    .description("Lists and removes the worktrees that coding agents of this machine work in.")
    .addCommand(listCommand(console, done))
    .addCommand(pruneCommand(console, done)) as unknown as Command;
}

const REPO_FLAG = ["--repo <path>", "only worktrees of this repository"] as const;
const WORKTREES_FLAG = [
  "--worktrees <path>",
  "the folder that the agent was started with (default: all in the home)",
] as const;

function listCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("list")
    .summary("list worktrees")
    .description("Lists worktrees with their work, and what in them no commit has.")
    .option(...REPO_FLAG)
    .option(...WORKTREES_FLAG)
    .option("--json", "a line of JSON each")
    .addHelpText("after", helpEnd(["worktree list", "worktree list --json | jq -r .folder"]));
  command.action(async (flags) => {
    const { worktreeList } = await import("./worktree_list.ts");
    done(await worktreeList(flags, console));
  });
  return command as unknown as Command;
}

function pruneCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("prune")
    .summary("remove worktrees that are not needed any more")
    .description(
      "Removes the worktrees of work that is done, if commits have all that is in them, and old " +
        "snapshots, patches and transcripts of work that has no worktree any more. Branches stay.",
    )
    .option(...REPO_FLAG)
    .option(...WORKTREES_FLAG)
    .option("--failed", "those of work that has failed, was cancelled or given up, too")
    .option("--older <duration>", "only those that nothing has happened in for so long, like 7d")
    .option("--refs <duration>", "remove snapshots, patches, transcripts that are older", "14d")
    .option("--dry-run", "only tell what would be removed")
    .addHelpText(
      "after",
      helpEnd(["worktree prune --dry-run", "worktree prune --failed --older 7d"], NOTES),
    );
  command.action(async (flags) => {
    const { worktreePrune } = await import("./worktree_prune.ts");
    done(await worktreePrune(flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `A worktree with anything that no commit has stays, and it is told what that is; so does one whose
work runs or was interrupted, but for --failed only if something has happened to it within 7 days.
Patches and transcripts are looked at without --repo only. Files that git ignores go with their worktree.`;
