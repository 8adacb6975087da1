/**
 * Whether a coding agent can be used here: installed, in a version that was tried, logged in, with
 * the mode that the permissions need, and with a sandbox. It is started, in the sandbox that it
 * would work in, and a session is opened; no model is asked.
 *
 * @module
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "@ourocodus/protocol";
import type { Clock } from "../../clock.ts";
import { findSandbox } from "../../processes/mod.ts";
import { Adapter } from "./adapter.ts";
import type { AgentInfo } from "./agent_info.ts";
import type { Conversation } from "./conversation.ts";
import { writableHome } from "./environment.ts";
import { AdapterError } from "./errors.ts";
import type { LoginFile, PermissionLevel, Preset } from "./presets.ts";
import { findAgent } from "./program.ts";

/** Options of {@linkcode checkAgent}. */
export interface CheckAgentOptions {
  /** What the agent's process gets: of `codingEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  readonly permissions: PermissionLevel;
  /** Whether it is to run in bubblewrap, too; where that works by default. */
  readonly sandbox?: "bwrap" | "none";
  readonly clock: Clock;
  /** Its model is asked through the gateway, which has the key. */
  readonly hasGateway?: boolean;
  /** How long a step may take, in milliseconds; 30 000 by default. */
  readonly timeoutMs?: number;
}

/** How an agent is logged in, as far as that is seen from outside. */
export type LoginCheck =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  /** The agent itself says so. */
  | { readonly kind: "agent"; readonly label: string }
  /** The gateway has the key. */
  | { readonly kind: "gateway" }
  | { readonly kind: "missing" }
  /** Nothing is known of how this agent logs in. */
  | { readonly kind: "unknown" };

/** Something that is missing. */
export interface Missing {
  readonly what: string;
  /** The command, or the flag, that helps; for some there is none. */
  readonly paste?: string;
}

/** What was found. */
export interface AgentCheck {
  /** Nothing is missing that it needs. */
  readonly ok: boolean;
  readonly name: string;
  readonly title: string;
  /** Where it is; undefined if it is not installed. */
  readonly program?: string;
  /** What it says about itself; undefined if it does not start. */
  readonly info?: AgentInfo;
  /** Whether its version is one that was tried; undefined if none is known. */
  readonly tried?: boolean;
  readonly login: LoginCheck;
  /** The modes that it offers, and the one that the permissions need. */
  readonly modes: readonly string[];
  readonly mode?: string;
  readonly model?: string;
  readonly sandbox: "bwrap" | "none" | "missing";
  /** What has to be done before it can be used. */
  readonly missing: readonly Missing[];
  /** What may be done. */
  readonly advice: readonly string[];
}

/** What an attempt to start it and to open a session has shown. */
interface Trial {
  readonly info?: AgentInfo;
  readonly conversation?: Conversation;
  readonly authStatus?: { readonly kind: string; readonly label?: string };
  readonly error?: AdapterError;
}

/** Checks a coding agent. */
export async function checkAgent(preset: Preset, options: CheckAgentOptions): Promise<AgentCheck> {
  const { env, permissions } = options;
  const found = findAgent(preset, env);
  const box = await findSandbox(env.PATH);
  const wanted = options.sandbox ?? (box.kind === "bwrap" ? "bwrap" : "none");
  const program = wanted === "bwrap" && box.kind === "bwrap" ? box.program : undefined;
  const trial = found.kind === "ok" ? await tryAgent(preset, found.command, options, program) : {};
  const login = loginOf(preset, options, trial);
  const { mode } = preset.permissions[permissions];
  const { info, conversation, error } = trial;
  const tried = triedVersion(preset, info?.version);
  const needsBox = wanted === "bwrap" || preset.needs.includes("bwrap");
  const missing = [
    ...(found.kind === "missing" ? [{ what: found.reason, paste: preset.install }] : []),
    ...(error === undefined || error.code === "auth_required" ? [] : [{ what: error.message }]),
    ...(login.kind === "missing" && found.kind === "ok"
      ? [{ what: `${preset.title} is not logged in`, paste: preset.login.how }]
      : []),
    ...(needsBox && box.kind === "missing" ? [{ what: box.reason }] : []),
  ];
  return {
    ok: missing.length === 0,
    name: preset.name,
    title: preset.title,
    ...(found.kind === "ok" && { program: found.command[0] }),
    ...(info && { info }),
    ...(tried !== undefined && { tried }),
    login,
    modes: conversation?.modes.available ?? [],
    ...(mode && { mode }),
    ...(conversation?.model && { model: conversation.model }),
    sandbox: box.kind === "missing" ? "missing" : wanted,
    missing,
    advice: [
      ...(tried === false
        ? [
          `version ${info?.version} was not tried, ${preset.npm?.tried} was: ${
            triedInstall(preset)
          }`,
        ]
        : []),
      ...(!needsBox && box.kind === "missing"
        ? [`commands run without a sandbox: ${box.reason}`]
        : []),
    ],
  };
}

/** Without a version, npm may choose an older one, which wants no newer Node.js than there is. */
function triedInstall({ npm }: Preset): string {
  return `npm install -g ${npm?.package}@${npm?.tried}`;
}

/** A check as text, a fact a line. */
export function lines(check: AgentCheck): string[] {
  const { title, program, info, tried, login, modes, mode, model, sandbox } = check;
  const version = info?.version ? `${info.name} ${info.version}` : "unknown";
  return [
    `${title}: ${check.ok ? "ready" : "cannot be used yet"}`,
    `  program  ${program ?? "not installed"}`,
    ...(program === undefined ? [] : [
      `  version  ${version}${tried === false ? " (not tried)" : ""}`,
      `  login    ${loginText(login)}`,
      `  mode     ${mode ?? "its own"}${modes.length > 0 ? ` (of ${modes.join(", ")})` : ""}`,
      ...(model === undefined ? [] : [`  model    ${model}`]),
    ]),
    `  sandbox  ${sandbox}`,
    ...check.missing.map(({ what, paste }) => {
      const said = paste === undefined || what.endsWith(paste);
      return `  missing: ${what}${said ? "" : `; ${paste}`}`;
    }),
    ...check.advice.map((advice) => `  note: ${advice}`),
  ];
}

async function tryAgent(
  preset: Preset,
  command: readonly string[],
  options: CheckAgentOptions,
  bwrap: string | undefined,
): Promise<Trial> {
  const { env, permissions, clock, timeoutMs = 30_000 } = options;
  const folder = mkdtempSync(join(tmpdir(), "ourocodus-check-"));
  let adapter: Adapter | undefined;
  let info: AgentInfo | undefined;
  try {
    const writable = writableHome(preset, env);
    const sandbox = bwrap === undefined
      ? undefined
      : { program: bwrap, writable, readable: command, env };
    const mark = crypto.randomUUID();
    const start = { preset, command, env, folder, mark, clock, startTimeoutMs: timeoutMs };
    adapter = Adapter.start({ ...start, ...(sandbox && { sandbox }) });
    info = await adapter.ready();
    const { mode, meta } = preset.permissions[permissions];
    const listener = { update: () => {}, permission: () => ({ outcome: "cancelled" }) as const };
    const conversation = await adapter.open({
      listener,
      ...(mode && { mode }),
      ...(meta && { meta }),
    });
    return { info, conversation, ...(adapter.authStatus && { authStatus: adapter.authStatus }) };
  } catch (error) {
    const known = error instanceof AdapterError
      ? error
      : new AdapterError("start_failed", messageOf(error), { cause: error });
    return { ...(info && { info }), error: known };
  } finally {
    await adapter?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function loginOf(
  { login }: Preset,
  { env, hasGateway }: CheckAgentOptions,
  { authStatus, error }: Trial,
): LoginCheck {
  if (error?.code === "auth_required") return { kind: "missing" };
  if (hasGateway) return { kind: "gateway" };
  if (authStatus?.kind === "none") return { kind: "missing" };
  if (authStatus !== undefined) {
    return { kind: "agent", label: authStatus.label ?? authStatus.kind };
  }
  const name = login.env.find((name) => env[name]);
  if (name !== undefined) return { kind: "variable", name };
  const path = login.files.map((file) => pathOf(file, env)).find((path) => existsSync(path));
  if (path !== undefined) return { kind: "file", path };
  return { kind: login.env.length === 0 ? "unknown" : "missing" };
}

function pathOf(
  { variable, home, path }: LoginFile,
  env: Readonly<Record<string, string>>,
): string {
  const moved = variable === undefined ? undefined : env[variable];
  return moved ? join(moved, path) : join(env.HOME ?? "/", home, path);
}

/** Whether a version begins as those that were tried: `0.101.3` as `0.101`. */
function triedVersion({ npm }: Preset, version: string | undefined): boolean | undefined {
  if (npm === undefined || !version) return undefined;
  return `${version}.`.startsWith(`${npm.tried}.`);
}

function loginText(login: LoginCheck): string {
  switch (login.kind) {
    case "variable":
      return `by ${login.name}`;
    case "file":
      return login.path;
    case "agent":
      return login.label;
    case "gateway":
      return "by the gateway";
    case "missing":
      return "none";
    case "unknown":
      return "unknown";
  }
}
