/**
 * What the keeper does: it reads process ids, one a line. When its stdin ends without "done" before
 * it, the demo was killed; then the keeper ends those processes and removes the store.
 */
const SCRIPT = `
trap '' HUP INT TERM
pids=
while read -r line; do
  [ "$line" = done ] && exit 0
  pids="$pids $line"
done
kill -TERM $pids
sleep 2
kill -KILL $pids
rm -rf -- "$1"
`;

/**
 * Ends the demo's parts and removes its store if the demo cannot do that itself, because it was
 * killed with SIGKILL. A shell, as it waits all the time and should cost nothing.
 */
export class Keeper implements AsyncDisposable {
  /** Its process id. */
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Starts it.
   *
   * @param folder What it removes.
   */
  constructor(folder: string) {
    this.#child = new Deno.Command("sh", {
      args: ["-c", SCRIPT, "keeper", folder],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    this.pid = this.#child.pid;
    this.#stdin = this.#child.stdin.getWriter();
  }

  /** Has it end a process if the demo is killed. */
  async watch(pid: number): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${pid}\n`));
  }

  /** Dismisses it, once nothing is left to end or to remove. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#stdin.write(new TextEncoder().encode("done\n"));
      await this.#stdin.close();
    } catch {
      // It was killed, so nobody is there to be dismissed.
    }
    await this.#child.status;
  }
}
