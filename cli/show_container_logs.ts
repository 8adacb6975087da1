/**
 * Showing the logs of containers together, as show_logs.ts does for files.
 *
 * @module
 */
import { containerLogEnd, type DockerEngine, followContainerLog } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { logLineTime } from "./log_line.ts";
import { LogScreen } from "./show_logs.ts";

/** A container, and what its lines are called. */
export interface ContainerLog {
  readonly name: string;
  readonly container: string;
  readonly engine: DockerEngine;
}

/** Writes the last lines; with `follow` also those that come, until all end or the signal. */
export async function showContainerLogs(
  logs: readonly ContainerLog[],
  { count, follow }: { readonly count: number; readonly follow: boolean },
  console: Console,
): Promise<void> {
  const screen = new LogScreen(console, { prefixed: logs.length > 1 });
  for (const { name } of logs) screen.add(name);
  if (follow) {
    await Promise.all(logs.map(async ({ name, container, engine }) => {
      const options = { last: count, signal: console.signal };
      for await (const line of followContainerLog(engine, container, options)) {
        await screen.write(name, line);
      }
    }));
    return;
  }
  const lines = [];
  for (const { name, container, engine } of logs) {
    let time = 0;
    for (const line of await containerLogEnd(engine, container, count)) {
      time = logLineTime(line) ?? time;
      lines.push({ name, line, time });
    }
  }
  lines.sort((one, other) => one.time - other.time);
  for (const { name, line } of logs.length > 1 ? lines.slice(-count) : lines) {
    await screen.write(name, line);
  }
}
