/**
 * What is known of a coding agent before it runs: what stands in the way of its work, and what it
 * needs of the machine that it runs on. No model is asked.
 *
 * @module
 */
import { resolve } from "node:path";
import { Repository } from "@ourocodus/git";
import { systemClock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import { Gateway } from "../gateway/mod.ts";
import { type AgentCheck, checkAgent, patternOf } from "./acp/mod.ts";
import { checkCodingFiles, isLevel, type NameOf, permissionPolicy } from "./check_options.ts";
import { environmentOf, type EnvironmentOptions, openRepository } from "./equipment.ts";
import { gatewayVariables } from "./gated_environment.ts";
import { certificatesIn, missingBudget } from "./model_gateway.ts";
import type { CodingOptions } from "./options.ts";
import { presetOf } from "./preset_of.ts";
import { worktreesFolder } from "./worktrees_folder.ts";

/** What a coding agent needs of a machine; a dry run prints it as JSON. */
export interface CodingFacts {
  /** Variables of its program's environment that it cannot do without, by name. */
  readonly variables: readonly string[];
  /** The folder for worktrees and records, with a repository. */
  readonly worktrees?: string;
  /** Folders that it writes to, and files and folders that it reads: absolute paths. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** The npm package that brings it, with a version; of a known coding agent. */
  readonly npmPackage?: string;
}

/**
 * Looks whether the files, the repository and its base are there.
 *
 * @returns What is wrong, ending in what to do; undefined if nothing is.
 */
export async function missingFiles(
  options: CodingOptions,
  nameOf?: NameOf,
): Promise<string | undefined> {
  try {
    checkCodingFiles(options, nameOf);
    if (options.repo === undefined) return undefined;
    await openRepository(options);
    return undefined;
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
}

/**
 * Looks whether the coding agent itself can be run.
 *
 * @throws {OptionError} If an option has a value that cannot be used.
 */
export async function lookAtAgent(
  options: EnvironmentOptions & Pick<CodingOptions, "permissions" | "sandbox" | "clock">,
): Promise<AgentCheck> {
  const { sandbox, clock = systemClock } = options;
  const preset = presetOf(options);
  const { unasked: permissions } = permissionPolicy(options);
  const { env, upstreams } = environmentOf(options, { permissions });
  const check = { env, permissions, sandbox, clock };
  if (upstreams === undefined) return await checkAgent(preset, check);
  await using gateway = Gateway.start({ upstreams, clock, caCerts: certificatesIn(env) });
  const { url, providers } = gateway;
  const { token } = gateway.admit();
  const way = gatewayVariables(preset, env, { url, providers, token });
  return await checkAgent(preset, { ...check, env: { ...env, ...way }, hasGateway: true });
}

/** What keeps the coding agent itself from being run, ending in what to do. */
export async function missingAgent(options: CodingOptions): Promise<string | undefined> {
  let missing: AgentCheck["missing"];
  try {
    ({ missing } = await lookAtAgent(options));
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
  const [first] = missing;
  if (first === undefined) return undefined;
  const { what, paste } = first;
  return paste === undefined || what.endsWith(paste) ? what : `${what}: ${paste}`;
}

/** Whether the gateway's budget keeps it from work, ending in what to do. */
export async function missingTokens(options: CodingOptions): Promise<string | undefined> {
  const { gateway: { budgetTokens } = {}, repo, cwd = ".", inherited } = options;
  if (budgetTokens === undefined) return undefined;
  const root = repo === undefined
    ? await Deno.realPath(cwd)
    : (await Repository.open(repo, { env: inherited })).root;
  return missingBudget(worktreesFolder(options, root), budgetTokens);
}

/** What it needs. @throws {GitError} If its repository cannot be used. */
export async function codingFacts(options: CodingOptions): Promise<CodingFacts> {
  const { repo, cwd = ".", inherited, envFile, permissions, gateway } = options;
  const { npm } = presetOf(options);
  const rules = permissions !== undefined && !isLevel(permissions) ? permissions : undefined;
  const facts = {
    variables: neededVariables(options),
    readable: [envFile, rules].flatMap((path) => path === undefined ? [] : [resolve(path)]),
    ...(npm !== undefined && { npmPackage: `${npm.package}@${npm.tried}` }),
  };
  const recorded = gateway?.record === undefined ? [] : [resolve(gateway.record)];
  if (repo === undefined) return { ...facts, writable: [resolve(cwd), ...recorded] };
  const { root, commonDir } = await Repository.open(repo, { env: inherited });
  const folder = worktreesFolder(options, root);
  // In a container, git finds the repository's folder where the worktrees say that it is.
  const roots = commonDir.startsWith(`${root}/`) ? [root] : [root, commonDir];
  return { ...facts, writable: [...roots, folder, ...recorded], worktrees: folder };
}

/**
 * Those that were asked for by name, its credentials, and the address of its model: without it, what
 * is in the repository would go to another one.
 */
function neededVariables(options: CodingOptions): string[] {
  const { inherited, env = [] } = options;
  const { login, passEnv } = presetOf(options);
  const named = env.filter((variable) => typeof variable === "string");
  const passes = patternOf(passEnv);
  const passed = Object.keys(inherited).filter((name) =>
    login.env.includes(name) ||
    /_BASE_URL$/.test(name) && passes.test(name)
  );
  const given = new Set(env.flatMap((variable) => typeof variable === "string" ? [] : variable[0]));
  return [...new Set([...named, ...passed])].filter((name) => !given.has(name)).sort();
}
