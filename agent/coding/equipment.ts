/**
 * What a coding agent needs for its work items, found and checked once: the program, its environment,
 * the repository, a sandbox, the rules.
 *
 * @module
 */
import { GitError, Repository } from "@ourocodus/git";
import { messageOf } from "@ourocodus/protocol";
import { join, resolve } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import type { Upstream } from "../gateway/mod.ts";
import { findSandbox, type Sandbox } from "../processes/mod.ts";
import {
  codingEnvironment,
  findAgent,
  type PermissionLevel,
  type PermissionSetup,
  type Preset,
  writableHome,
} from "./acp/mod.ts";
import { permissionPolicy } from "./check_options.ts";
import { givenVariables } from "./env_file.ts";
import { withoutKeys } from "./gated_environment.ts";
import type { CodingOptions } from "./options.ts";
import { presetOf } from "./preset_of.ts";
import type { PermissionPolicy } from "./turn/mod.ts";
import { worktreesFolder } from "./worktrees_folder.ts";

/** Everything that an attempt needs besides its place. */
export interface Equipment {
  readonly options: CodingOptions;
  readonly clock: Clock;
  readonly preset: Preset;
  /** The coding agent's program, as an absolute path, and its arguments. */
  readonly command: readonly string[];
  /** The whole environment of everything that is run for a work item. */
  readonly env: Readonly<Record<string, string>>;
  /** The providers whose keys the gateway adds; absent without a gateway. */
  readonly upstreams: readonly Upstream[] | undefined;
  /** Bubblewrap, and what may be written to besides the worktree. */
  readonly sandbox: Sandbox | undefined;
  /** Why there is none, where none was asked for by name. */
  readonly withoutSandbox: string | undefined;
  /** Absent for an agent that works in a folder as it is. */
  readonly repository: Repository | undefined;
  /** The folder of worktrees and records. */
  readonly worktrees: string;
  readonly policy: PermissionPolicy;
  /** How the coding agent is made to ask for what the policy has to decide. */
  readonly asking: PermissionSetup;
}

/**
 * Finds all that a coding agent needs.
 *
 * @throws {OptionError} If something is missing; the message ends with what to do.
 */
export async function equip(options: CodingOptions): Promise<Equipment> {
  const { repo, cwd = ".", clock = systemClock } = options;
  const preset = presetOf(options);
  const policy = permissionPolicy(options);
  const asking = preset.permissions[policy.unasked];
  const repository = repo === undefined ? undefined : await openRepository(options);
  const root = repository?.root ?? await Deno.realPath(cwd);
  const worktrees = worktreesFolder(options, root);
  const home = await homeOf(options, worktrees);
  const { env, upstreams } = environmentOf(options, { permissions: policy.unasked, home });
  const command = commandOf(preset, env);
  const found = await sandboxOf(options, preset, { env, home, command, repository });
  return {
    options,
    clock,
    preset,
    command,
    env,
    upstreams,
    sandbox: found.sandbox,
    withoutSandbox: found.why,
    repository,
    worktrees,
    policy,
    asking,
  };
}

/** Of which options a coding agent's environment is made. */
export type EnvironmentOptions = Pick<
  CodingOptions,
  "agent" | "command" | "env" | "envFile" | "inherited" | "gateway"
>;

/**
 * The environment of everything that is run for a work item; with a gateway its keys are apart.
 *
 * @throws {OptionError} If the file of variables, or what there is for the gateway, cannot be used.
 */
export function environmentOf(
  options: EnvironmentOptions,
  { permissions, home }: { readonly permissions: PermissionLevel; readonly home?: string },
): Pick<Equipment, "env" | "upstreams"> {
  const preset = presetOf(options);
  const env = codingEnvironment({
    preset,
    permissions,
    inherited: options.inherited,
    given: givenVariables(options),
    isRoot: Deno.uid() === 0,
    ...(home !== undefined && { home }),
  });
  if (options.gateway === undefined) return { env, upstreams: undefined };
  return withoutKeys(preset, env);
}

/** The folder of an agent's own home, made if need be: in a sandbox nothing else could make it. */
async function homeOf(options: CodingOptions, worktrees: string): Promise<string | undefined> {
  const { isolatedHome, agentId = "agent" } = options;
  if (isolatedHome !== true) return undefined;
  const home = join(worktrees, "homes", agentId);
  try {
    await Deno.mkdir(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OptionError(`Cannot make the agent's home ${home}: ${messageOf(error)}`);
  }
  return home;
}

function commandOf(preset: Preset, env: Readonly<Record<string, string>>): readonly string[] {
  const found = findAgent(preset, env);
  if (found.kind === "ok") return found.command;
  throw new OptionError(found.reason);
}

/** Opens the repository. @throws {OptionError} If it, or its base, cannot be used. */
export async function openRepository(
  { repo = ".", base, inherited }: CodingOptions,
): Promise<Repository> {
  try {
    const repository = await Repository.open(repo, { env: inherited });
    await repository.resolveBase(base);
    return repository;
  } catch (error) {
    if (error instanceof GitError) throw new OptionError(error.message);
    throw error;
  }
}

/** @throws {OptionError} If one was asked for by name that does not work. */
async function sandboxOf(
  { sandbox, writable = [], gateway, envFile }: CodingOptions,
  preset: Preset,
  { env, home, command, repository }: {
    readonly env: Readonly<Record<string, string>>;
    readonly home: string | undefined;
    readonly command: readonly string[];
    readonly repository: Repository | undefined;
  },
): Promise<{ readonly sandbox?: Sandbox; readonly why?: string }> {
  if (sandbox === "none") return {};
  const found = await findSandbox(env.PATH);
  if (found.kind === "missing") {
    if (sandbox === "bwrap") throw new OptionError(`There is no sandbox: ${found.reason}`);
    return { why: found.reason };
  }
  const homes = home === undefined ? writableHome(preset, env) : [home];
  return {
    sandbox: {
      program: found.program,
      writable: [...homes, ...writable.map((path) => resolve(path))],
      readable: [...command, ...(repository === undefined ? [] : [repository.commonDir])],
      // It may have the key.
      ...(gateway !== undefined && envFile !== undefined && { hidden: [envFile] }),
      env,
    },
  };
}
