import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { type Applied, Checkout } from "@ourocodus/git";
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { nameOf, tracedWork } from "./find_work.ts";
import { statText } from "./patch_stat.ts";
import { gitEnvironment } from "./local_git.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { harmless, paint } from "./terminal_text.ts";
import { findPatch, type WorkPatch } from "./work_patch.ts";

/** `work apply`: an agent's changes into a checkout. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await workApply(id, flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Applies the patch of a work item to a checkout's files, and stages it. Lines that have " +
        "changed since are merged.",
    )
    .argument("<id>", "the work's id; with --sequence its sequence in the queue")
    .option("--session <session>", "only work of this session")
    .option("--role <role>", "only work of this role")
    .option("--sequence", "take the argument for a sequence")
    .option("--repo <path>", "the checkout", ".")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["work apply task-17", "work apply task-17 --repo ~/code/shop"], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `Files with changes that are not committed are never touched: if the patch has one of
them, nothing is applied. At a conflict it ends with 1, and says what to do.`;

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
        `error: cannot apply ${name}: it changes files with changes of yours that are not ` +
          `committed; nothing was changed\n${list(applied.paths)}` +
          `Commit or stash them, then apply it again:\n  git stash --include-untracked\n`,
      );
      return EXIT.failed;
    case "conflict": {
      const files = applied.conflicts.map(quoted).join(" ");
      const touched = applied.files.flatMap(({ path, from }) => from ? [path, from] : [path]);
      await err.write(
        `error: ${name} conflicts with what ${folder} has by now; the rest of it is there, and ` +
          `staged\n${list(applied.conflicts)}` +
          `Resolve what is between <<<<<<< and >>>>>>> in them, then:\n  git add -- ${files}\n` +
          `Or take all of it back, to how it was:\n` +
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
  return `${merge}Or apply what can be, and see what is left in .rej files:\n` +
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
