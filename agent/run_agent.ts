import { configureLogging, type Environment, logLevelSetting, stopSignal } from "@ourocodus/bus";
import { serve } from "./serve.ts";
import { type AgentFlags, agentSettings } from "./settings.ts";
import type { Handler } from "./work.ts";

/** What an agent's command line amounts to. */
export interface AgentProgram {
  readonly flags: AgentFlags;
  /** Without it nothing is run: the settings are checked, and that is all. */
  readonly handler?: Handler;
  /** Called before the process is ended at once. */
  readonly beforeExit?: () => void;
}

/** Runs an agent until it is stopped. */
export type RunAgent = (program: AgentProgram) => Promise<void>;

/**
 * Runs an agent until SIGINT or SIGTERM, and logs what happens to standard error.
 *
 * @throws {SettingError} If a setting cannot be used.
 * @throws {ServeError} If a relay says not to come back.
 */
export async function runAgent(env: Environment, program: AgentProgram): Promise<void> {
  const settings = agentSettings(env, program.flags);
  const level = logLevelSetting(env);
  const { handler } = program;
  if (handler === undefined) return;
  await configureLogging({ level, pretty: Deno.stderr.isTerminal() });
  const abandon = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const signal = stopSignal(() => {
    program.beforeExit?.();
    // Its relay is told, and need not wait for it to come back.
    abandon.abort();
    return ended;
  });
  try {
    await serve({ ...settings, signal, abandon: abandon.signal }, handler);
  } finally {
    end();
  }
}
