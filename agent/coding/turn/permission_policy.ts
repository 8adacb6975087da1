/**
 * Decides what an agent may do: a level, and rules from a file.
 *
 * | level   | inside the worktree        | commands, fetches, modes, unknown tools |
 * | ------- | -------------------------- | --------------------------------------- |
 * | `all`   | anything, outside too      | allowed                                 |
 * | `edits` | reads, searches and edits  | denied                                  |
 * | `read`  | reads and searches         | denied                                  |
 * | `none`  | nothing                    | denied                                  |
 *
 * A rules file is `{"allow": […], "deny": […], "default": LEVEL}`. A rule has a `kind` (ACP's, one or
 * several), a `command` (its first words) or a `path` (a file or folder of the worktree). Deny rules
 * come first, then allow rules, then the level, `edits` if there is none.
 *
 * Invariant: rules never allow what is outside of the worktree, nor changes to `.git`; only `all` does.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import type { ToolKind } from "@agentclientprotocol/sdk/unstable";
import { messageOf } from "@ourocodus/protocol";
import { OptionError } from "../../errors.ts";
import type { PermissionQuestion } from "./permission_question.ts";
import type { PermissionLevel } from "../acp/presets.ts";
import type { PermissionRule, PermissionRules } from "./permission_rules.ts";
import type { PermissionDecision } from "./progress.ts";
import { parsePermissionRules, PATH_KINDS, PERMISSION_LEVELS } from "./permission_rules.ts";
import { shortened } from "./shortened.ts";
import { splitCommand, type Word } from "./split_command.ts";
import { placeOf } from "./worktree_path.ts";

const MAX_SHOWN = 200;

/** Whether a question is allowed, by which rule, and why. */
export type Verdict = Pick<PermissionDecision, "answer" | "rule" | "why">;

const NO_RULES: PermissionRules = { allow: [], deny: [], default: "edits" };
const READS: ReadonlySet<ToolKind> = new Set<ToolKind>(["read", "search", "think"]);
const WRITES: ReadonlySet<ToolKind> = new Set<ToolKind>(["edit", "delete", "move"]);

/** A level and rules, by which tools are allowed or denied. */
export class PermissionPolicy {
  readonly #rules: PermissionRules;

  constructor(rules: PermissionRules) {
    this.#rules = rules;
  }

  /** The policy of a level without rules. */
  static level(level: PermissionLevel): PermissionPolicy {
    return new PermissionPolicy({ ...NO_RULES, default: level });
  }

  /**
   * The policy of `--permissions`.
   *
   * @param value A level, or the path of a rules file.
   * @param readText Reads that file.
   * @throws {OptionError} It is neither, or the file has a fault.
   */
  static of(value: string, readText: (path: string) => string): PermissionPolicy {
    const level = PERMISSION_LEVELS.find((name) => name === value);
    if (level !== undefined) return PermissionPolicy.level(level);
    let text: string;
    try {
      text = readText(value);
    } catch (error) {
      throw new OptionError(
        `Cannot use permissions "${value}": allowed are ${PERMISSION_LEVELS.join(", ")} and a ` +
          `rules file, which cannot be read: ${messageOf(error)}`,
      );
    }
    return new PermissionPolicy(parsePermissionRules(text, value));
  }

  /** What is allowed if no rule says otherwise. */
  get level(): PermissionLevel {
    return this.#rules.default;
  }

  /** The most that an agent may do without asking: with rules that deny, it must ask for all. */
  get unasked(): PermissionLevel {
    return this.#rules.deny.length === 0 ? this.level : "none";
  }

  /** Whether there are rules besides the level. */
  get hasRules(): boolean {
    return this.#rules.allow.length > 0 || this.#rules.deny.length > 0;
  }

  /** Decides. @param root The worktree, absolute. */
  decide(question: PermissionQuestion, root: string): Verdict {
    const denied = this.#deniedBy(question, root);
    if (denied !== undefined) return denied;
    if (this.level === "all") return allow("all", "everything is allowed");
    if (question.kind === "execute") return this.#decideCommand(question, root);
    if (question.kind === "think") return this.#decideOther(question);
    if (READS.has(question.kind) || WRITES.has(question.kind)) {
      return this.#decidePaths(question, root);
    }
    return this.#decideOther(question);
  }

  #deniedBy(question: PermissionQuestion, root: string): Verdict | undefined {
    const split = question.kind === "execute" ? commandsOf(question) : undefined;
    const paths = question.paths.map((path) => placeOf(root, path));
    for (const [at, rule] of this.#rules.deny.entries()) {
      const name = `deny[${at}]`;
      if (!hasKind(rule, question.kind)) continue;
      if (rule.command !== undefined) {
        if (split === undefined) continue;
        if (split.kind === "doubt") {
          return deny(
            name,
            `whether it runs "${rule.command.join(" ")}" is in doubt: ${split.why}`,
          );
        }
        if (split.commands.some((words) => contains(words, rule.command ?? []))) {
          return deny(name, `a rule denies "${rule.command.join(" ")}"`);
        }
      } else if (rule.path !== undefined) {
        const { path } = rule;
        if (paths.length === 0 && PATH_KINDS.includes(question.kind)) {
          return deny(name, `whether it is about "${path}" is in doubt: no path is told`);
        }
        const found = paths.find((place) => place.kind === "inside" && isWithin(place.path, path));
        if (found?.kind === "inside") return deny(name, `a rule denies "${found.path}"`);
      } else return deny(name, `a rule denies every tool of kind ${question.kind}`);
    }
    return undefined;
  }

  /** Each simple command must be allowed; `cd` into the worktree at the beginning is. */
  #decideCommand(question: PermissionQuestion, root: string): Verdict {
    const whole = this.#allowOfKind("execute");
    if (whole !== undefined) return allow(whole, "a rule allows every command");
    const { level } = this;
    if (question.cwd !== undefined && placeOf(root, question.cwd).kind === "outside") {
      return deny(level, `it runs in "${question.cwd}", outside of the worktree`);
    }
    if (!this.#rules.allow.some(({ command }) => command !== undefined)) {
      return deny(level, "commands need a rule that allows them");
    }
    const split = commandsOf(question);
    if (split.kind === "doubt") {
      return deny(level, `no rule can be sure what the command does: ${split.why}`);
    }
    let by = level as string;
    for (const [at, words] of split.commands.entries()) {
      if (at === 0 && split.commands.length > 1 && isEntering(words, question, root)) continue;
      const rule = this.#rules.allow.findIndex(({ command }) =>
        command !== undefined && begins(words, command)
      );
      const shown = words.map(({ text }) => text).join(" ").slice(0, 200);
      if (rule < 0) return deny(level, `no rule allows "${shown}"`);
      by = `allow[${rule}]`;
    }
    return allow(by, "a rule allows this command");
  }

  #decidePaths({ kind, paths }: PermissionQuestion, root: string): Verdict {
    const { level } = this;
    const byLevel = level === "edits" || (level === "read" && READS.has(kind));
    if (paths.length === 0) return deny(level, "the agent does not say which path it is about");
    let by = level as string;
    for (const path of paths) {
      const place = placeOf(root, path);
      if (place.kind === "outside") {
        return deny(level, `"${shortened(path, MAX_SHOWN)}" ${place.why}`);
      }
      if (WRITES.has(kind) && isProtected(place.path)) {
        return deny(level, `"${shortened(path, MAX_SHOWN)}" is not the agent's to change`);
      }
      if (byLevel) continue;
      const rule = this.#rules.allow.findIndex((rule) =>
        rule.command === undefined && hasKind(rule, kind) &&
        (rule.path === undefined || isWithin(place.path, rule.path))
      );
      if (rule < 0) return deny(level, `no rule allows ${kind} of "${shortened(path, MAX_SHOWN)}"`);
      by = `allow[${rule}]`;
    }
    return allow(by, `${kind} inside the worktree`);
  }

  #decideOther({ kind }: PermissionQuestion): Verdict {
    const rule = this.#allowOfKind(kind);
    if (rule !== undefined) return allow(rule, `a rule allows every tool of kind ${kind}`);
    if (kind === "think" && this.level !== "none") return allow(this.level, "it changes nothing");
    return deny(this.level, `tools of kind ${kind} need a rule that allows them`);
  }

  /** The rule that allows all of a kind by its name. */
  #allowOfKind(kind: ToolKind): string | undefined {
    const at = this.#rules.allow.findIndex((rule) =>
      rule.command === undefined && rule.path === undefined && rule.kinds?.includes(kind) === true
    );
    return at < 0 ? undefined : `allow[${at}]`;
  }
}

/** Programs without a shell need no splitting. */
function commandsOf({ command }: PermissionQuestion): ReturnType<typeof splitCommand> {
  if (command === undefined) return { kind: "doubt", why: "the agent does not tell the command" };
  if (typeof command === "string") return splitCommand(command);
  return { kind: "commands", commands: [command.map((text) => ({ text, isLiteral: true }))] };
}

function hasKind({ kinds, command }: PermissionRule, kind: ToolKind): boolean {
  if (kinds !== undefined) return kinds.includes(kind);
  return command === undefined || kind === "execute";
}

function begins(words: readonly Word[], prefix: readonly string[]): boolean {
  return prefix.every((text, at) => words[at]?.text === text && words[at]?.isLiteral === true);
}

/** Whether the words stand anywhere in it: `sudo git push`, `sh -c "git push"`, `/bin/git push`. */
function contains(words: readonly Word[], wanted: readonly string[]): boolean {
  const all = words.flatMap(({ text }) => text.split(/[\s;&|()]+/)).filter((text) => text !== "");
  return all.some((_, at) =>
    wanted.every((text, offset) => {
      const word = all[at + offset];
      return word === text || (offset === 0 && word?.endsWith(`/${text}`) === true);
    })
  );
}

/** Whether it is a `cd` into the worktree. A relative one is known only with the folder before it. */
function isEntering(
  [first, folder, more]: readonly Word[],
  { cwd }: PermissionQuestion,
  root: string,
): boolean {
  if (first?.text !== "cd" || folder === undefined || more !== undefined) return false;
  if (!folder.isLiteral || /^(?:[-~]|$)/.test(folder.text)) return false;
  if (isAbsolute(folder.text)) return placeOf(root, folder.text).kind === "inside";
  return cwd !== undefined && placeOf(root, `${cwd}/${folder.text}`).kind === "inside";
}

function isWithin(path: string, folder: string): boolean {
  return folder === "." || path === folder || path.startsWith(`${folder}/`);
}

/** The worktree itself, and what belongs to git. */
function isProtected(path: string): boolean {
  return path === "." || path.split("/").some((segment) => segment.toLowerCase() === ".git");
}

function allow(rule: string, why: string): Verdict {
  return { answer: "allow", rule, why };
}

function deny(rule: string, why: string): Verdict {
  return { answer: "deny", rule, why };
}
