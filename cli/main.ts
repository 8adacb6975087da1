/**
 * The command line: `deno run -A cli/main.ts --help`.
 *
 * @module
 */
import { watchClosedPipe } from "./closed_pipe.ts";
import type { EndingSignal } from "./console.ts";
import { EXIT } from "./exit_codes.ts";
import {
  ClosedOutputError,
  type OutputError,
  type Sink,
  StreamOutput,
  wantsColor,
} from "./output.ts";
import { run } from "./program.ts";

/** How long a command may take to end after the first Ctrl-C, in milliseconds. */
const END_MS = 5_000;

const ending = new AbortController();
let code: number | undefined;

function end(exitCode: number): void {
  if (code !== undefined) Deno.exit(exitCode);
  code = exitCode;
  ending.abort();
  setTimeout(() => Deno.exit(exitCode), END_MS);
}

function output(sink: Sink, name: string): StreamOutput {
  return new StreamOutput(sink, {
    name,
    hasColor: wantsColor(Deno.env, sink.isTerminal()),
    columns: () => Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    onClosed: (why) => unheard(sink, why),
  });
}

let unheardListener: ((why: ClosedOutputError | OutputError) => void) | undefined;

/** Nobody takes an output any more. */
function unheard(sink: Sink, why: ClosedOutputError | OutputError): void {
  if (unheardListener === undefined) {
    heard("SIGHUP", why instanceof ClosedOutputError ? EXIT.ok : EXIT.failed);
  } else if (sink === Deno.stdout) {
    unheardListener(why);
  }
}

let listener: ((signal: EndingSignal) => void) | undefined;

function heard(signal: EndingSignal, exitCode: number): void {
  if (listener === undefined) end(exitCode);
  else listener(signal);
}

Deno.addSignalListener("SIGINT", () => heard("SIGINT", EXIT.interrupted));
Deno.addSignalListener("SIGTERM", () => heard("SIGTERM", EXIT.terminated));
if (!Deno.stdout.isTerminal()) {
  const why = new ClosedOutputError("Nobody reads the output any more");
  watchClosedPipe(1, { onClosed: () => unheard(Deno.stdout, why) });
}

const result = await run(Deno.args, {
  env: Deno.env,
  stdin: Deno.stdin.readable,
  out: output(Deno.stdout, "stdout"),
  err: output(Deno.stderr, "stderr"),
  signal: ending.signal,
  takeSignals: (taker) => {
    if (listener === undefined) {
      Deno.addSignalListener("SIGHUP", () => heard("SIGHUP", EXIT.terminated));
    }
    listener = taker;
  },
  takeUnheard: (taker) => unheardListener = taker,
});
Deno.exit(code ?? result);
