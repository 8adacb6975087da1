/**
 * Showing the logs of several programs together, each line with the program's name before it.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import type { RuntimeLog } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { type Paint, paint } from "./terminal_text.ts";
import { logLineTime, readableLogLine } from "./log_line.ts";

/** Writes lines with names before them, each name in a colour of its own. */
export class LogScreen {
  readonly #console: Console;
  readonly #colors: Paint;
  readonly #names = new Map<string, (text: string) => string>();
  readonly #prefixed: boolean;
  #width = 0;

  /** @param options `prefixed`: whether names are shown; not where there is one log only. */
  constructor(console: Console, options: { readonly prefixed: boolean }) {
    this.#console = console;
    this.#colors = paint(console.out.hasColor);
    this.#prefixed = options.prefixed;
  }

  /** Makes room for a name. */
  add(name: string): void {
    const colors = [this.#colors.cyan, this.#colors.blue, this.#colors.green, this.#colors.yellow];
    const color = colors[this.#names.size % colors.length];
    if (color !== undefined && !this.#names.has(name)) this.#names.set(name, color);
    this.#width = Math.max(this.#width, name.length);
  }

  /** Writes a line. */
  async write(name: string, line: string): Promise<void> {
    const color = this.#names.get(name) ?? ((text: string) => text);
    const prefix = this.#prefixed ? `${color(`${name.padEnd(this.#width)} |`)} ` : "";
    await this.#console.out.write(`${prefix}${readableLogLine(line, this.#colors)}\n`);
  }
}

/** Writes the last lines of some logs, in the order of their time. */
export async function showLastLines(
  logs: readonly RuntimeLog[],
  count: number,
  screen: LogScreen,
): Promise<void> {
  const lines = [];
  for (const { name } of logs) screen.add(name);
  for (const log of logs) {
    // A line that has no time of its own belongs to the one before it.
    let time = 0;
    for (const line of await log.last(count)) {
      time = logLineTime(line) ?? time;
      lines.push({ name: log.name, line, time });
    }
  }
  lines.sort((one, other) => one.time - other.time);
  for (const { name, line } of logs.length > 1 ? lines.slice(-count) : lines) {
    await screen.write(name, line);
  }
}

/** How often to look whether there are further logs, in milliseconds. */
const LOOK_MS = 500;

/**
 * Writes what is added to logs, also to those that come later; until the signal, or all have ended.
 *
 * @param find The logs there are now.
 * @param options `ends`: where logs, also those that come later, had ended before; what is up to
 * there is not shown. By default where they end now.
 */
export async function followLogs(
  find: () => Promise<readonly RuntimeLog[]>,
  screen: LogScreen,
  { signal, ends }: {
    readonly signal: AbortSignal;
    readonly ends?: ReadonlyMap<string, number>;
  },
): Promise<void> {
  const followed = new Map<string, Promise<void>>();
  let open = 0;
  const follow = async (log: RuntimeLog, from: number) => {
    screen.add(log.name);
    for await (const line of log.follow(from, signal)) await screen.write(log.name, line);
    open--;
  };
  const goesOn = () => !signal.aborted && (open > 0 || followed.size === 0);
  for (let first = true; first || goesOn(); first = false) {
    for (const log of await find()) {
      if (followed.has(log.id)) continue;
      open++;
      followed.set(
        log.id,
        follow(log, ends?.get(log.id) ?? (first ? await log.position() : 0)),
      );
    }
    await pause(LOOK_MS, signal);
  }
  await Promise.all(followed.values());
}
