import { findHome, type RuntimeContext } from "@ourocodus/system";
import type { Console } from "./console.ts";

/** What a command's runtimes work with. */
export function runtimeContext(console: Console): RuntimeContext {
  return {
    home: findHome(console.env),
    env: console.env,
    signal: console.signal,
    say: (text) => void console.err.write(text).catch(() => {}),
  };
}
