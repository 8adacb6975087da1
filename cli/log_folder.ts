import { type Home, sizeOf } from "@ourocodus/system";
import { basename, join } from "node:path";
import type { NamedLog } from "./show_logs.ts";

/** Every log in a home: of parts, then of agents, each sorted by name. */
export async function listLogs(
  home: Home,
  options: { readonly agentsOnly?: boolean } = {},
): Promise<NamedLog[]> {
  const parts = options.agentsOnly ? [] : await logsIn(home.logs);
  return [...parts, ...await logsIn(join(home.logs, "agents"))];
}

/** How large each log is now, by path. */
export async function logSizes(home: Home): Promise<Map<string, number>> {
  const logs = await listLogs(home);
  return new Map(
    await Promise.all(logs.map(async ({ path }) => [path, await sizeOf(path)] as const)),
  );
}

async function logsIn(folder: string): Promise<NamedLog[]> {
  const logs: NamedLog[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.endsWith(".log")) continue;
      logs.push({ name: basename(name, ".log"), path: join(folder, name) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return logs.sort((one, other) => one.name < other.name ? -1 : 1);
}
