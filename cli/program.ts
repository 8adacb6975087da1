/**
 * The command line's tree of commands, and running one of them.
 *
 * A command is one file: its flags, its help, and what it does. The file is loaded, and with it
 * all that knows NATS, when a command line names the command; `--help` and `--version` load none.
 *
 * @module
 */
import { Command, CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CommandFile, Done } from "./command.ts";
import type { Console } from "./console.ts";
import manifest from "./deno.json" with { type: "json" };
import { EXIT, EXIT_CODES_HELP, type ExitCode } from "./exit_codes.ts";
import { heedless, type HeedlessConsole } from "./heedless_console.ts";
import { ClosedOutputError, OutputError } from "./output.ts";
import { applyVariables } from "./place_flags.ts";
import { harmless } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** A command, or a group of them. */
type Entry =
  & {
    /** Its line in the help of the command above it. */
    readonly summary: string;
    readonly alias?: string;
    readonly hidden?: true;
    /** Whether it is meant where none of its group is named. */
    readonly isDefault?: true;
  }
  & (
    | { readonly load: () => Promise<CommandFile> }
    /** For a command that goes on when nobody reads its output, also while its file is loaded. */
    | { readonly loadHeedless: () => Promise<CommandFile<HeedlessConsole>> }
    | { readonly commands: Entries }
  );

type Entries = Readonly<Record<string, Entry>>;

const COMMANDS: Entries = {
  start: {
    summary: "start nats-server, a relay and the API on this machine",
    load: () => import("./start.ts"),
  },
  stop: {
    summary: "stop agents and the system on this machine",
    load: () => import("./stop.ts"),
  },
  status: {
    summary: "say how the system is, what waits, and who is connected",
    load: () => import("./status.ts"),
  },
  logs: {
    summary: "print the logs of the system and its agents",
    load: () => import("./logs.ts"),
  },
  agent: {
    summary: "check, start, list and stop agents",
    commands: {
      check: {
        summary: "say whether a coding agent can be run here, and what is missing",
        load: () => import("./agent_check.ts"),
      },
      start: {
        summary: "start agents in the background",
        load: () => import("./agent_start.ts"),
      },
      list: {
        summary: "list agents, those started elsewhere too",
        alias: "ls",
        load: () => import("./agent_list.ts"),
      },
      stop: {
        summary: "stop agents that were started here",
        load: () => import("./agent_stop.ts"),
      },
      restart: {
        summary: "stop agents and start them again",
        load: () => import("./agent_restart.ts"),
      },
      logs: { summary: "print the logs of agents", load: () => import("./agent_logs.ts") },
    },
  },
  supervise: {
    summary: "keep what start and agent start have started running",
    hidden: true,
    load: () => import("./supervise.ts"),
  },
  send: {
    summary: "send work to agents",
    commands: {
      work: {
        summary: "send work to a session's agents",
        loadHeedless: () => import("./send_work.ts"),
      },
    },
  },
  tail: {
    summary: "print results or events, and follow",
    commands: {
      results: {
        summary: "print the results of a session, and follow",
        load: () => import("./tail_results.ts"),
      },
      events: {
        summary: "print what happens in a session, or in all, and follow",
        load: () => import("./tail_events.ts"),
      },
    },
  },
  result: { summary: "print the result of a work item", load: () => import("./result.ts") },
  trace: { summary: "tell where a work item is", load: () => import("./trace.ts") },
  work: {
    summary: "list, wait for, cancel and retry work, and bring in its changes",
    commands: {
      list: { summary: "list work that has no outcome yet", load: () => import("./work_list.ts") },
      wait: {
        summary: "wait for the results of work that was sent before",
        load: () => import("./work_wait.ts"),
      },
      diff: {
        summary: "show what a coding agent has changed",
        load: () => import("./work_diff.ts"),
      },
      apply: {
        summary: "bring what a coding agent has changed into a checkout",
        load: () => import("./work_apply.ts"),
      },
      cancel: {
        summary: "cancel work that has no outcome yet",
        load: () => import("./work_cancel.ts"),
      },
      extend: {
        summary: "give running work more time",
        load: () => import("./work_extend.ts"),
      },
      retry: {
        summary: "send finished work again",
        load: () => import("./work_retry.ts"),
      },
    },
  },
  questions: {
    summary: "list questions of agents, and answer them",
    commands: {
      list: {
        summary: "list questions that wait for an answer; also without the word",
        isDefault: true,
        load: () => import("./questions_list.ts"),
      },
      answer: { summary: "answer a question", load: () => import("./questions_answer.ts") },
      rules: {
        summary: "list rules that answer questions, and remove them",
        commands: {
          list: {
            summary: "list rules; also without the word",
            isDefault: true,
            load: () => import("./rules_list.ts"),
          },
          remove: { summary: "remove a rule", load: () => import("./rules_remove.ts") },
        },
      },
    },
  },
  worktree: {
    summary: "list and remove the worktrees of coding agents on this machine",
    commands: {
      list: { summary: "list worktrees", load: () => import("./worktree_list.ts") },
      prune: {
        summary: "remove worktrees that are not needed any more",
        load: () => import("./worktree_prune.ts"),
      },
    },
  },
  dead: {
    summary: "list dead letters, and send their work again",
    commands: {
      list: {
        summary: "list the dead letters of a session",
        load: () => import("./dead_list.ts"),
      },
      retry: {
        alias: "requeue",
        summary: "send the work of dead letters again",
        load: () => import("./dead_retry.ts"),
      },
    },
  },
  token: {
    summary: "make tokens for agents and clients",
    commands: {
      create: { summary: "make a token", load: () => import("./token_create.ts") },
    },
  },
  completion: {
    summary: "print a script that completes commands and flags",
    load: () => import("./completion.ts"),
  },
};

/** Options of {@linkcode program}. */
export interface ProgramOptions {
  /** Told the exit code of the command that ran. */
  readonly done?: Done;
  /**
   * A command line: the commands that it names are loaded, of others there is the name and the
   * summary. By default all are loaded.
   */
  readonly args?: readonly string[];
}

/** Makes the commands. */
export async function program(
  console: Console,
  { done = () => {}, args }: ProgramOptions = {},
): Promise<CommandUnknownOpts> {
  const root = new Command("ourocodus")
    .description("Carries work to coding agents, and brings their results back.")
    .version(manifest.version, "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void console.out.write(text).catch(() => {}),
      writeErr: (text) => void console.err.write(text).catch(() => {}),
      // One line, with the nearest name at its end.
      outputError: (text, write) => write(`${text.trim().replaceAll("\n", " ")}\n`),
      getOutHelpWidth: () => console.out.columns,
      getErrHelpWidth: () => console.err.columns,
      getOutHasColors: () => console.out.hasColor,
      getErrHasColors: () => console.err.hasColor,
    })
    .configureHelp({
      styleTitle: (title) => `\x1b[1m${title}\x1b[0m`,
      // Their arguments and flags are in files that are not loaded.
      subcommandTerm: (command) => [command.name(), ...command.aliases()].join("|"),
    })
    .addHelpText("after", `\n${EXAMPLES}\n\n${EXIT_CODES_HELP}`);
  const words = args?.filter((word) => !word.startsWith("-"));
  if (words?.[0] === "help") words.shift();
  await addCommands(root, COMMANDS, { console, done, words });
  root.hook("preAction", (_, command) => applyVariables(command, console.env));
  return root;
}

interface Adding {
  readonly console: Console;
  readonly done: Done;
  /** The words that name a command from here on. */
  readonly words: readonly string[] | undefined;
}

async function addCommands(
  parent: CommandUnknownOpts,
  entries: Entries,
  { words, ...adding }: Adding,
): Promise<void> {
  for (const [name, entry] of Object.entries(entries)) {
    const { alias, summary, hidden, isDefault = false } = entry;
    const names = alias === undefined ? [name] : [name, alias];
    const isMeant = isDefault && !Object.hasOwn(entries, words?.[0] ?? "");
    const isNamed = words === undefined || isMeant || names.some((name) => name === words[0]);
    const command: CommandUnknownOpts = isNamed ? await commandOf(entry, adding) : new Command();
    // addCommand, unlike command, leaves it to us to pass the settings on.
    parent.addCommand(command.name(name).summary(summary).copyInheritedSettings(parent), {
      ...{ hidden, isDefault },
    });
    if (alias !== undefined) command.alias(alias);
    if (isNamed && "commands" in entry) {
      await addCommands(command, entry.commands, { ...adding, words: words?.slice(1) });
    }
  }
}

async function commandOf(
  entry: Entry,
  { console, done }: Omit<Adding, "words">,
): Promise<CommandUnknownOpts> {
  const whole = () => program(console);
  if ("load" in entry) return (await entry.load()).command(console, done, whole);
  if ("commands" in entry) return new Command().description(`${sentence(entry.summary)}.`);
  const going = heedless(console);
  return (await entry.loadHeedless()).command(going, done, whole);
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

const EXAMPLES = `Examples:
  $ ourocodus start
  $ ourocodus agent start -s docs -r writer
  $ ourocodus send work -s docs -r writer -m hello --wait
  $ ourocodus tail results -s docs
  $ ourocodus tail events
  $ ourocodus result task-17
  $ ourocodus trace task-17
  $ ourocodus work wait task-17
  $ ourocodus work cancel task-17
  $ ourocodus work retry task-17
  $ ourocodus dead list -s docs
  $ source <(ourocodus completion bash)

Variables:
  OUROCODUS_SESSION, OUROCODUS_ROLE  stand in for --session and --role

ourocodus <command> --help has more.`;

/**
 * Runs a command line.
 *
 * @param args The words after the program's name.
 * @returns The exit code. What is wrong has been printed.
 */
export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  try {
    const root = await program(console, { done: (value) => code = value, args });
    await root.parseAsync(helpAsFlag(root, args), { from: "user" });
  } catch (error) {
    code = await explain(error, console);
  }
  for (const output of [console.out, console.err]) {
    try {
      await output.flush();
    } catch (error) {
      if (error instanceof ClosedOutputError) continue;
      if (!(error instanceof OutputError)) throw error;
      code = EXIT.failed;
      await console.err.write(`error: ${harmless(error.message)}\n`).catch(() => {});
    }
  }
  return console.signal.aborted ? EXIT.interrupted : code;
}

/** `help send work` as `send work --help`: by itself, help knows the first word only. */
function helpAsFlag(root: CommandUnknownOpts, args: readonly string[]): readonly string[] {
  const [first, ...words] = args;
  if (first !== "help" || words.length === 0) return args;
  let command = root;
  for (const [index, word] of words.entries()) {
    if (command.commands.length === 0) break; // What follows are its arguments.
    const next = command.commands.find((child) =>
      [child.name(), ...child.aliases()].includes(word)
    );
    // Run by itself, what is no command is refused, with what is like it.
    if (next === undefined) return words.slice(0, index + 1);
    command = next;
  }
  return [...words, "--help"];
}

async function explain(error: unknown, console: Console): Promise<ExitCode> {
  if (error instanceof ClosedOutputError) return EXIT.ok;
  // Said when the output is flushed.
  if (error instanceof OutputError) return EXIT.failed;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (console.signal.aborted) return EXIT.interrupted;
  const message = error instanceof Error ? error.message : String(error);
  await console.err.write(`error: ${harmless(message)}\n`).catch(() => {});
  // Errors of the bus are known by their name, so that this file need not load it.
  const usage = error instanceof UsageError ||
    (error instanceof Error && error.name === "SettingError");
  return usage ? EXIT.usage : EXIT.failed;
}
