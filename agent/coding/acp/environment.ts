/**
 * The environment of a coding agent: what is named here and in its preset, and what somebody asks
 * for. Everything that a model has commands run by sees it.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { OptionError } from "../../errors.ts";
import type { PermissionLevel, Preset } from "./presets.ts";

/** What programs need to find themselves, their network and their language. `*` is anything. */
const BASE = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "LC_*",
  "TZ",
  "TMPDIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_STATE_HOME",
  "XDG_CACHE_HOME",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
];

/** What lets this agent in at relay and NATS, and what it sets itself. */
const OWN = /^(?:NATS|OUROCODUS)_/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A variable that somebody asks for: a name takes over what the agent has, a pair sets it. */
export type GivenVariable = string | readonly [name: string, value: string];

/** Options of {@linkcode codingEnvironment}. */
export interface CodingEnvironmentOptions {
  readonly preset: Preset;
  readonly permissions: PermissionLevel;
  /** The agent's own environment. */
  readonly inherited: Readonly<Record<string, string>>;
  /** Later ones go before earlier ones. */
  readonly given: readonly GivenVariable[];
  /** The folder of an isolated home, as an absolute path; by default the agent uses its user's. */
  readonly home?: string;
  /** Whether the agent runs as root; Claude Code then wants to be told that it is in a sandbox. */
  readonly isRoot?: boolean;
}

/**
 * What a coding agent's process gets, in this order, the last one winning: what passes, what its
 * preset and the permissions set, where its isolated home is, what somebody asked for.
 *
 * @throws {OptionError} for a variable that was asked for and is not set, or must not be passed.
 */
export function codingEnvironment(options: CodingEnvironmentOptions): Record<string, string> {
  const { preset, permissions, inherited, given, home, isRoot = false } = options;
  const passes = patternOf([...BASE, ...preset.passEnv]);
  const passed = Object.entries(inherited).filter(([name]) => passes.test(name) && !OWN.test(name));
  const setup = preset.permissions[permissions];
  return {
    ...Object.fromEntries(passed),
    NO_COLOR: "1",
    ...preset.setEnv,
    ...setup.setEnv,
    ...(isRoot ? setup.setEnvOfRoot : {}),
    ...(home === undefined ? {} : isolatedHome(preset, home)),
    ...Object.fromEntries(given.map((variable) => valueOf(variable, inherited))),
  };
}

/**
 * Reads what was given to `--env`: `NAME` or `NAME=VALUE`.
 *
 * @throws {OptionError} for what is no name, or must not be passed.
 */
export function parseGivenVariable(text: string): GivenVariable {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  checkName(name, "--env");
  return at < 0 ? name : [name, text.slice(at + 1)];
}

/**
 * Reads an `--env-file`: lines `NAME=VALUE`, maybe after `export`; a value may stand in single
 * quotes, as it is, or in double quotes, with `\n`, `\t`, `\"` and `\\`. Empty lines and comments,
 * from `#`, are left out.
 *
 * @param path Where it was read from, for errors.
 * @throws {OptionError} that names the line.
 */
export function parseEnvFile(text: string, path: string): GivenVariable[] {
  return text.replace(/^\uFEFF/, "").split(/\r?\n/).flatMap((whole, index) => {
    const line = whole.trim().replace(/^export\s+/, "");
    if (line === "" || line.startsWith("#")) return [];
    const where = `${path} line ${index + 1}`;
    const at = line.indexOf("=");
    if (at < 0) throw new OptionError(`${where} has no "=": write NAME=VALUE`);
    const name = line.slice(0, at).trim();
    checkName(name, where);
    return [[name, unquoted(line.slice(at + 1).trim(), where)] as const];
  });
}

/**
 * What a sandbox must let an agent write to: its home. Folders that it would make are made here,
 * since what does not exist cannot be let in.
 *
 * @param env What {@linkcode codingEnvironment} returned.
 * @returns Absolute paths.
 */
export function writableHome(
  preset: Preset,
  env: Readonly<Record<string, string>>,
): string[] {
  // All of HOME only where nobody knows what below it is the agent's.
  const names = Object.keys(preset.homeVariables).filter((name) =>
    name !== "HOME" || preset.homePaths.length === 0
  );
  const moved = names.map((name) => env[name] ?? "").filter(isAbsolute);
  const { HOME: home = "" } = env;
  const usual = isAbsolute(home) && (names.length === 0 || moved.length < names.length)
    ? preset.homePaths.map((path) => join(home, path))
    : [];
  const paths = [...moved, ...usual];
  // One with a suffix is a file: nobody but the agent knows how it begins.
  for (const path of paths) {
    if (!path.endsWith(".json")) mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  return paths;
}

function isolatedHome({ homeVariables }: Preset, home: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(homeVariables).map(([name, folder]) => [name, join(home, folder)]),
  );
}

function valueOf(
  variable: GivenVariable,
  inherited: Readonly<Record<string, string>>,
): readonly [string, string] {
  const [name, value] = typeof variable === "string" ? [variable, inherited[variable]] : variable;
  checkName(name, "--env");
  if (value === undefined) {
    throw new OptionError(
      `--env ${name}: ${name} is not set; set it, or write --env ${name}=VALUE`,
    );
  }
  if (value.includes("\0")) throw new OptionError(`--env ${name}: the value has a NUL character`);
  return [name, value];
}

function checkName(name: string, where: string): void {
  if (!NAME.test(name)) {
    throw new OptionError(`${where}: ${JSON.stringify(name)} is no name of a variable`);
  }
  if (OWN.test(name)) {
    const why = "its commands could then act as this agent; use another name";
    throw new OptionError(`${where}: ${name} is not passed to a coding agent, ${why}`);
  }
}

/** Matches the names of variables that one of the patterns does; `*` is anything. */
export function patternOf(patterns: readonly string[]): RegExp {
  return new RegExp(`^(?:${patterns.map((pattern) => pattern.replaceAll("*", ".*")).join("|")})$`);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unquoted(value: string, where: string): string {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value.replace(/\s#.*$/, "").trimEnd();
  const shape = quote === "'" ? /^'([^']*)'\s*(?:#.*)?$/ : /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/;
  const inner = shape.exec(value)?.[1];
  if (inner === undefined) {
    throw new OptionError(`${where}: the quote ${quote} is not closed, or text follows it`);
  }
  if (quote === "'") return inner;
  return inner.replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
}
