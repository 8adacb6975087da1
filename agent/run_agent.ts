import { getLogger } from "@logtape/logtape";
import {
  configureLogging,
  type Environment,
  logLevelSetting,
  stopSignal,
} from "@ourocodus/protocol";
import { systemClock } from "./clock.ts";
import { serve } from "./serve.ts";
import { type Pause, serveWhileAble, type Suspendable } from "./serve_while_able.ts";
import { type AgentFlags, type AgentSettings, agentSettings } from "./settings.ts";
import type { Handler } from "./work.ts";

/** What an agent's command line amounts to. */
export interface AgentProgram {
  readonly flags: AgentFlags;
  /** What holds where neither flags nor environment say something. */
  readonly defaults?: Pick<AgentSettings, "maxAttemptMs" | "noProgressMs">;
  /** Without it nothing is run: the settings are checked, and that is all. */
  readonly handler?: Handler;
  /** Makes it ready, before it serves; what it logs is seen. */
  readonly start?: () => Promise<void>;
  /** Called before the process is ended at once. */
  readonly beforeExit?: () => void;
  /** What can suspend the agent, if something can. */
  readonly suspendable?: Suspendable;
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
  const settings = { ...program.defaults, ...agentSettings(env, program.flags) };
  const level = logLevelSetting(env);
  const { handler, suspendable } = program;
  if (handler === undefined) return;
  await configureLogging({ level, pretty: Deno.stderr.isTerminal() });
  await program.start?.();
  const abandon = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const signal = stopSignal(() => {
    program.beforeExit?.();
    // Its relay is told, and need not wait for it to come back.
    abandon.abort();
    return ended;
  });
  const serveUntil = (signal: AbortSignal) =>
    serve({ ...settings, signal, abandon: abandon.signal }, handler);
  try {
    if (suspendable === undefined) await serveUntil(signal);
    else {
      await serveWhileAble(serveUntil, suspendable, { signal, clock: systemClock, onPause: tell });
    }
  } finally {
    end();
  }
}

const logger = getLogger(["ourocodus", "agent"]);

function tell(pause: Pause): void {
  if (pause.kind === "resumed") return logger.info("Takes work again");
  const { reason, delayMs } = pause;
  logger.error("Takes no work: {reason}; checking again in {delayMs} ms", { reason, delayMs });
}
