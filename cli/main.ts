/**
 * The command line: `deno run -A cli/main.ts --help`.
 *
 * @module
 */
import { watchClosedPipe } from "./closed_pipe.ts";
import type { EndingSignal } from "./console.ts";
import { EXIT } from "./exit_codes.ts";
import { type Sink, StreamOutput, wantsColor } from "./output.ts";
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

function output(sink: Sink): StreamOutput {
  return new StreamOutput(sink, {
    hasColor: wantsColor(Deno.env, sink.isTerminal()),
    columns: () => Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    onClosed: () => unheard(sink),
  });
}

let unheardListener: (() => void) | undefined;

/** Nobody takes an output any more. */
function unheard(sink: Sink): void {
  if (unheardListener === undefined) heard("SIGHUP", EXIT.ok);
  else if (sink === Deno.stdout) unheardListener();
}

let listener: ((signal: EndingSignal) => void) | undefined;

function heard(signal: EndingSignal, exitCode: number): void {
  if (listener === undefined) end(exitCode);
  else listener(signal);
}

Deno.addSignalListener("SIGINT", () => heard("SIGINT", EXIT.interrupted));
Deno.addSignalListener("SIGTERM", () => heard("SIGTERM", EXIT.terminated));
if (!Deno.stdout.isTerminal()) watchClosedPipe(1, { onClosed: () => unheard(Deno.stdout) });

const result = await run(Deno.args, {
  env: Deno.env,
  stdin: Deno.stdin.readable,
  out: output(Deno.stdout),
  err: output(Deno.stderr),
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
