/**
 * `deno task demo`: the whole way of a work item, on this machine, with one command.
 *
 * Exit codes: 0 it was shown (and, without `--once`, ended with Ctrl-C or a signal afterwards), 1 it
 * failed, 2 wrong arguments, 128 and the signal's number if it was ended before it was shown.
 *
 * @module
 */
import { SetupError, watchLauncher } from "@ourocodus/setup";
import { EndRequests, SystemError } from "@ourocodus/system";
import { runDemo } from "./demo.ts";
import { createScreen } from "./screen.ts";

/** The signals that end the demo, with the exit codes that tell so. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const HELP =
  `Starts nats-server, a relay, the API and an echo agent, sends work and shows the result.

Usage: deno task demo [--once]

  --once   end when the result is shown, instead of running until Ctrl-C
  --help   show this

It wants the ports 4222, 8080 and 9000, and takes others if they are taken. Nothing
is left when it ends; a second Ctrl-C ends it without waiting for its parts.`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const unknown = args.find((arg) => arg !== "--once");
  if (unknown !== undefined) {
    console.error(`Unknown argument "${unknown}"\n\n${HELP}`);
    return 2;
  }
  const env = Deno.env.toObject();
  const [end, hurry] = [new AbortController(), new AbortController()];
  const requests = new EndRequests();
  let endCode = 0;
  const heard = (signal: keyof typeof SIGNALS) => {
    const wish = requests.heard(signal, performance.now());
    if (wish === "end") {
      endCode = SIGNALS[signal];
      end.abort();
    }
    if (wish === "now") hurry.abort();
  };
  for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) {
    Deno.addSignalListener(signal, () => heard(signal));
  }
  watchLauncher(env, () => heard("SIGTERM"));
  try {
    await runDemo({
      env,
      once: args.includes("--once"),
      screen: createScreen(print, Deno.stdout.isTerminal() && !Deno.noColor),
      signal: end.signal,
      hurry: hurry.signal,
    });
    return 0;
  } catch (error) {
    if (end.signal.aborted) return endCode;
    if (!(error instanceof SystemError || error instanceof SetupError)) throw error;
    const lines = error instanceof SystemError ? error.lines.map((line) => `\n  ${line}`) : [];
    // The log is gone by now.
    const message = error.message.replace(/The end of \/.*:$/, "The end of its log:");
    console.error(`\n${message}${lines.join("")}`);
    return 1;
  }
}

/** Writes a line, unless nobody can read it any more: the terminal was closed, or `| head` ended. */
function print(line: string): void {
  try {
    console.log(line);
  } catch {
    // The demo goes on, and ends what it started, as if somebody read it.
  }
}

Deno.exit(await main(Deno.args));
