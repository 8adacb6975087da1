/**
 * Completion scripts, made from the tree of commands. They stand for themselves: pressing Tab
 * starts no process of ours, and nothing of what was typed is evaluated.
 *
 * All three shells do the same: walk through the words before the cursor to find the command
 * (its "place"), passing over flags' values, then offer what that command knows.
 *
 * @module
 */
import {
  Argument,
  Command,
  type CommandUnknownOpts,
  type Option,
} from "@commander-js/extra-typings";
import type { Done } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT } from "./exit_codes.ts";

/** Shells for which there is a script. */
const SHELLS = ["bash", "zsh", "fish"] as const;

/** `completion`: prints a script that completes commands and flags in a shell. */
export function command(
  console: Console,
  done: Done,
  program: () => Promise<CommandUnknownOpts>,
): CommandUnknownOpts {
  return new Command()
    .description("Prints a script that completes commands and flags.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText("after", HELP)
    .action(async (shell) => {
      await console.out.write(completionScript(await program(), shell));
      done(EXIT.ok);
    });
}

const HELP = `
Examples:
  $ source <(ourocodus completion bash)                    # in ~/.bashrc
  $ source <(ourocodus completion zsh)                     # in ~/.zshrc, after compinit
  $ ourocodus completion fish > ~/.config/fish/completions/ourocodus.fish

The scripts complete the command "ourocodus". To install it from a clone:
  $ deno install -g -A -n ourocodus --config deno.json cli/main.ts`;

type Shell = typeof SHELLS[number];

/**
 * Makes a completion script.
 *
 * @param root The program.
 */
function completionScript(root: CommandUnknownOpts, shell: Shell): string {
  const name = root.name();
  const places = placesOf(root);
  const header = `# ${shell} completion for ${name}, printed by: ${name} completion ${shell}`;
  if (shell === "bash") return `${header}\n${bashScript(name, places)}`;
  if (shell === "fish") return `${header}\n${fishScript(name, places)}`;
  // zsh finds it in a folder of functions by its first line.
  return `#compdef ${name}\n${header}\n${zshScript(name, places)}`;
}

interface Flag {
  /** `--last`, `-n`. */
  readonly names: readonly string[];
  readonly description: string;
  readonly value: "none" | "file" | "any";
}

interface Word {
  readonly word: string;
  readonly description: string;
}

/** A command, by its words: `""` is the program, `"send work"` a command of a command. */
interface Place {
  readonly path: string;
  readonly commands: readonly Word[];
  /** What the first argument may be. */
  readonly choices: readonly Word[];
  readonly flags: readonly Flag[];
}

function placesOf(command: CommandUnknownOpts, path = ""): Place[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const commands = children.map((child) => ({
    word: child.name(),
    description: firstLine(child.summary() || child.description()),
  }));
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const place = {
    path,
    commands,
    choices: choices.map((word) => ({ word, description: "" })),
    flags: help.visibleOptions(command).map(flagOf),
  };
  const below = children.flatMap((child) => {
    const childPath = `${path} ${child.name()}`.trim();
    if (child.name() !== "help") return placesOf(child, childPath);
    const others = commands.filter(({ word }) => word !== "help");
    return [{ path: childPath, commands: [], choices: others, flags: [] }];
  });
  return [place, ...below];
}

function flagOf(option: Option): Flag {
  const names = [option.long, option.short].filter((name) => name !== undefined);
  const takesValue = option.required || option.optional;
  const value = !takesValue ? "none" : option.flags.includes("<path>") ? "file" : "any";
  return { names, description: firstLine(option.description), value };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** `"place|word"` of each word that leads from one command to the next, and where to. */
function steps(places: readonly Place[]): [string, string][] {
  return places.flatMap(({ path, commands }) =>
    commands.map(({ word }): [string, string] => [`${path}|${word}`, `${path} ${word}`.trim()])
  );
}

/** `"place|flag"` of each flag with such a value. */
function valueFlags(places: readonly Place[], ...values: Flag["value"][]): string[] {
  return places.flatMap(({ path, flags }) =>
    flags.filter(({ value }) => values.includes(value))
      .flatMap(({ names }) => names.map((name) => `${path}|${name}`))
  );
}

function bashScript(name: string, places: readonly Place[]): string {
  const patterns = (keys: string[]) => keys.map((key) => `"${key}"`).join("|");
  const moves = steps(places).map(([key, to]) => `      "${key}") place="${to}" ;;`);
  const offers = places.map(({ path, commands, choices, flags }) => {
    const words = [...commands, ...choices].map(({ word }) => word).join(" ");
    const names = flags.flatMap(({ names }) => names).join(" ");
    return `    "${path}") words="${words}" flags="${names}" ;;`;
  });
  return `
_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local place="" words="" flags="" skip="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$place|\${COMP_WORDS[i]}" in
${moves.join("\n")}
      ${patterns(valueFlags(places, "any", "file"))}) skip=1 ;;
    esac
  done
  COMPREPLY=()
  case "$place|$prev" in
    ${patterns(valueFlags(places, "file"))})
      compopt -o filenames 2>/dev/null
      local IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$cur"))
      return ;;
    ${patterns(valueFlags(places, "any"))}) return ;;
  esac
  case "$place" in
${offers.join("\n")}
  esac
  if [[ $cur == -* || -z $words ]]; then words="$flags"; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _${name} ${name}
`.trimStart();
}

function zshScript(name: string, places: readonly Place[]): string {
  const patterns = (keys: string[]) => keys.map((key) => `'${key}'`).join("|");
  const moves = steps(places).map(([key, to]) => `      '${key}') place='${to}' ;;`);
  const described = (word: string, text: string) =>
    `'${`${word}:${text.replaceAll(":", "\\:")}`.replaceAll("'", `'\\''`)}'`;
  const offers = places.map(({ path, commands, choices, flags }) => {
    const words = [...commands, ...choices].map((item) => described(item.word, item.description));
    const names = flags.flatMap((flag) =>
      flag.names.map((item) => described(item, flag.description))
    );
    return `    '${path}')\n      offered=(${words.join(" ")})\n      flags=(${
      names.join(" ")
    }) ;;`;
  });
  return `_${name}() {
  local place='' skip='' word
  local -a offered flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$place|$word" in
${moves.join("\n")}
      ${patterns(valueFlags(places, "any", "file"))}) skip=1 ;;
    esac
  done
  case "$place|\${words[CURRENT-1]}" in
    ${patterns(valueFlags(places, "file"))}) _files; return ;;
    ${patterns(valueFlags(places, "any"))}) return 1 ;;
  esac
  case "$place" in
${offers.join("\n")}
  esac
  if [[ \${words[CURRENT]} == -* || \${#offered} -eq 0 ]]; then
    _describe -o flag flags
  else
    _describe command offered
  fi
}
if [[ "\${funcstack[1]}" == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function fishScript(name: string, places: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const moves = steps(places).map(([key, to]) =>
    `            case ${quoted(key)}\n                set place ${quoted(to)}`
  );
  const skips = valueFlags(places, "any", "file").map(quoted).join(" ");
  const offers = places.flatMap(({ path, commands, choices, flags }) => {
    const begin = `complete -c ${name} -n ${quoted(`__${name}_at ${quoted(path)}`)}`;
    const words = [...commands, ...choices].map(({ word, description }) =>
      `${begin} -f -a ${word} -d ${quoted(description)}`
    );
    const names = flags.map(({ names, description, value }) => {
      const spelled = names.map((item) =>
        item.startsWith("--") ? `-l ${item.slice(2)}` : `-s ${item.slice(1)}`
      );
      const takes = { none: "-f", any: "-x", file: "-r -F" }[value];
      return `${begin} ${spelled.join(" ")} ${takes} -d ${quoted(description)}`;
    });
    return [...words, ...names];
  });
  return `function __${name}_at
    set -l place ''
    set -l skip ''
    set -l before (commandline -opc)
    for word in $before[2..-1]
        if test -n "$skip"
            set skip ''
            continue
        end
        switch "$place|$word"
${moves.join("\n")}
            case ${skips}
                set skip 1
        end
    end
    test "$place" = "$argv[1]"
end
complete -c ${name} -e
complete -c ${name} -f
${offers.join("\n")}
`;
}
