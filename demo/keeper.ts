import { program } from "@ourocodus/system";

/**
 * What the keeper does when its stdin ends without "done" before it, because the demo was killed:
 * it has the command line stop what is left of the system, and removes its home.
 */
const SCRIPT = `
trap '' HUP INT TERM
read -r line
[ "$line" = done ] && exit 0
"$@"
rm -rf -- "$OUROCODUS_HOME"
`;

/**
 * Ends the demo's parts and removes its home if the demo cannot do that itself, because it was
 * killed with SIGKILL. A shell, as it waits all the time and should cost nothing.
 */
export class Keeper implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  /** Starts it. @param home The folder of the demo's system. */
  constructor(home: string) {
    const { command, args } = program("cli");
    this.#child = new Deno.Command("sh", {
      args: ["-c", SCRIPT, "keeper", command, ...args, "stop", "--now"],
      env: { OUROCODUS_HOME: home },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
  }

  /** Dismisses it, once nothing is left to end or to remove. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stdin = this.#child.stdin.getWriter();
    try {
      await stdin.write(new TextEncoder().encode("done\n"));
      await stdin.close();
    } catch {
      // It was killed, so nobody is there to be dismissed.
    }
    await this.#child.status;
  }
}
