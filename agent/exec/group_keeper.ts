/**
 * Reads `+ GROUP` and `- GROUP`, one a line. When its standard input ends without `done` before
 * it, the agent was killed; then it ends the groups that are left.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=
while read -r sign group; do
  case $sign in
    +) groups="$groups $group" ;;
    -) rest=
       for each in $groups; do [ "$each" = "$group" ] || rest="$rest $each"; done
       groups=$rest ;;
    done) exit 0 ;;
  esac
done
[ -z "$groups" ] && exit 0
for each in $groups; do kill -s TERM -- "-$each"; done
sleep "$1"
for each in $groups; do kill -s KILL -- "-$each"; done
`;

/**
 * Ends commands if the agent cannot do that itself, because it was killed with SIGKILL: a shell
 * that waits for the end of a pipe, and costs nothing until then. Without a shell, commands are
 * left running in that case.
 */
export class GroupKeeper implements AsyncDisposable {
  readonly #child: Deno.ChildProcess | undefined;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array> | undefined;

  /** @param killAfterMs How long after SIGTERM it sends SIGKILL, in milliseconds. */
  constructor(killAfterMs: number) {
    const seconds = String(Math.ceil(killAfterMs / 1_000));
    try {
      this.#child = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT, "ourocodus-keeper", seconds],
        stdin: "piped",
        stdout: "null",
        stderr: "null",
        cwd: "/",
        detached: true,
      }).spawn();
      this.#stdin = this.#child.stdin.getWriter();
    } catch {
      this.#child = undefined;
    }
  }

  /** Has it end a group if the agent is killed. */
  add(group: number): void {
    this.#write(`+ ${group}\n`);
  }

  /** The group has ended, or is to live on. */
  remove(group: number): void {
    this.#write(`- ${group}\n`);
  }

  /** Dismisses it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#write("done\n");
    await this.#stdin?.close().catch(() => {});
    await this.#child?.status;
  }

  #write(line: string): void {
    // If somebody has killed it, nobody is there to be told.
    this.#stdin?.write(new TextEncoder().encode(line)).catch(() => {});
  }
}
