import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Applied, Checkout } from "@ourocodus/git";
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { statText } from "./patch_text.ts";
import { gitEnvironment } from "./local_git.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, paint } from "./terminal_text.ts";
import { nameOf, tracedWork, workFlags } from "./work_item.ts";
import { findPatch, type WorkPatch } from "./work_patch.ts";

/** `work apply`: brings what an agent has changed into a checkout. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await workApply(id, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description(
      "Applies the patch of a work item to a checkout's files, and stages it. Lines that have " +
        "changed since are merged.",
    )
    .argument("<id>", "the work item's id, or its sequence in the queue")
    .option("--repo <path>", "the checkout", ".")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["work apply task-17", "work apply task-17 --repo ~/code/shop"], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES =
  `If the patch has a file with uncommitted changes, nothing is applied. At a conflict the
command says what to do, and exits with 1.`;

/**
 * Runs the command.
 *
 * @throws {UsageError} If the id or a flag cannot be used.
 * @throws {GitError} If `--repo` is no checkout.
 */
async function workApply(
  id: string,
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const checkout = await Checkout.open(flags.repo, { env: gitEnvironment(console) });
  const trace = await tracedWork(id, flags, console);
  if (trace === undefined) return EXIT.failed;
  const name = nameOf(trace);
  if (isUnfinished(trace.state)) {
    await console.err.write(
      `error: ${name} has no result yet; "ourocodus work diff ${name}" shows how far it is, ` +
        `"ourocodus work wait ${name}" waits for it\n`,
    );
    return EXIT.failed;
  }
  const patch = await findPatch(trace, { console, repo: flags.repo });
  if (patch.kind === "none") {
    await console.err.write(`error: no patch of ${name}: ${patch.why}\n`);
    return EXIT.failed;
  }
  const { found } = patch;
  const applied = await checkout.apply(found.patch, found.commit);
  return await report(applied, { trace, found, checkout, console });
}

async function report(
  applied: Applied,
  { trace, found, checkout, console }: {
    readonly trace: WorkTrace;
    readonly found: WorkPatch;
    readonly checkout: Checkout;
    readonly console: Console;
  },
): Promise<ExitCode> {
  const name = nameOf(trace);
  const folder = harmless(checkout.folder);
  const { out, err } = console;
  const colors = paint(out.hasColor);
  switch (applied.kind) {
    case "applied":
      await out.write(
        `${statText(applied.files, colors)}\n` +
          `Applied to ${folder}, and staged; not committed yet:\n` +
          `  git commit -m ${quoted(`Work of ${name}`)}\n`,
      );
      return EXIT.ok;
    case "already":
      await out.write(`${folder} has the changes of ${name} already\n`);
      return EXIT.ok;
    case "dirty":
      await err.write(
        `error: cannot apply ${name}: you have uncommitted changes in files that it changes; ` +
          `nothing was changed\n${list(applied.paths)}` +
          `Commit or stash them, then apply it again:\n  git stash --include-untracked\n`,
      );
      return EXIT.failed;
    case "conflict": {
      const files = applied.conflicts.map(quoted).join(" ");
      const touched = applied.files.flatMap(({ path, from }) => from ? [path, from] : [path]);
      await err.write(
        `error: ${name} conflicts with ${folder} in these files; the rest is applied and ` +
          `staged\n${list(applied.conflicts)}` +
          `Resolve what is between <<<<<<< and >>>>>>> in them, then:\n  git add -- ${files}\n` +
          `Or undo all of it:\n` +
          `  git restore --source=HEAD --staged --worktree -- ${touched.map(quoted).join(" ")}\n`,
      );
      return EXIT.failed;
    }
    case "impossible":
      await err.write(
        `error: cannot apply ${name} to ${folder}; nothing was changed: ` +
          `${harmless(applied.why.split("\n").slice(0, 5).join("; "))}\n${advice(name, found)}`,
      );
      return EXIT.failed;
  }
}

function advice(name: string, { branch }: WorkPatch): string {
  const merge = branch === undefined
    ? ""
    : `If the repository has the branch, merge it:\n  git merge ${branch}\n`;
  return `${merge}Or apply the part that fits; the rest is left in .rej files:\n` +
    `  ourocodus work diff ${quoted(name)} | git apply --reject\n`;
}

function list(paths: readonly string[]): string {
  return paths.map((path) => `  ${harmless(path)}\n`).join("");
}

/** A word for a shell. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./@:+=-]+$/.test(word)
    ? word
    : `'${harmless(word).replaceAll("'", `'\\''`)}'`;
}
