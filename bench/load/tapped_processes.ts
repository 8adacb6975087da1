/**
 * Sees what this process starts, and what it says to coding agents, by standing in for
 * `Deno.Command`: so the agent program is measured as it is.
 *
 * @module
 */

/** Something that was seen. Times are those of `performance.now()`. */
export interface Seen {
  /**
   * `git …`, its first words, `began` and `ended`; an ACP method, `sent` and `answered`; or
   * `process`, another program, `began` and `ended`.
   */
  readonly what: string;
  readonly event: "began" | "ended" | "sent" | "answered";
  readonly pid: number;
  readonly atMs: number;
}

const NEWLINE = 10;

/** Everything that was seen since {@linkcode tapProcesses}. */
export const seen: Seen[] = [];

/** Has everything that is started from now on be seen. */
export function tapProcesses(): void {
  const Command = Deno.Command;
  (Deno as { Command: typeof Deno.Command }).Command = class extends Command {
    readonly #name: string;

    constructor(command: string | URL, options?: Deno.CommandOptions) {
      super(command, options);
      const [first = "", second = ""] = options?.args ?? [];
      const isGit = command === "git";
      this.#name = isGit ? `git ${first === "worktree" ? `${first} ${second}` : first}` : "process";
    }

    override spawn(): Deno.ChildProcess {
      const began = performance.now();
      const child = super.spawn();
      see(this.#name, "began", child.pid, began);
      void child.status.then(() => see(this.#name, "ended", child.pid));
      return this.#name === "process" ? tapped(child) : child;
    }
  };
}

function see(what: string, event: Seen["event"], pid: number, atMs = performance.now()): void {
  seen.push({ what, event, pid, atMs });
}

/** The same child process, of which each message that it is told, and tells, is seen. */
function tapped(child: Deno.ChildProcess): Deno.ChildProcess {
  const methods = new Map<unknown, string>();
  let stdin: WritableStream<Uint8Array> | undefined;
  let stdout: ReadableStream<Uint8Array> | undefined;
  const said = (line: string) => {
    const { id, method } = JSON.parse(line);
    if (method === undefined) return;
    if (id !== undefined) methods.set(id, method);
    see(method, "sent", child.pid);
  };
  const heard = (line: string) => {
    if (!/^\{.*"id":/.test(line) || /"method":/.test(line.slice(0, 200))) return;
    const { id } = JSON.parse(line);
    const method = methods.get(id);
    if (method !== undefined) see(method, "answered", child.pid);
  };
  return new Proxy(child, {
    get(target, name) {
      if (name === "stdin") return stdin ??= through(target.stdin, said);
      if (name === "stdout") return stdout ??= target.stdout.pipeThrough(lines(heard));
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function through(to: WritableStream<Uint8Array>, line: (text: string) => void) {
  const transform = lines(line);
  void transform.readable.pipeTo(to).catch(() => {});
  return transform.writable;
}

function lines(line: (text: string) => void): TransformStream<Uint8Array, Uint8Array> {
  let rest = "";
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      rest += decoder.decode(chunk, { stream: true });
      if (!chunk.includes(NEWLINE)) return;
      const whole = rest.split("\n");
      rest = whole.pop() ?? "";
      for (const text of whole) if (text.startsWith("{")) line(text);
    },
  });
}
