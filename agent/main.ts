import { Command } from "@commander-js/extra-typings";
import { configureLogging, logLevelSetting, OurocodusError } from "@ourocodus/bus";
import { echoHandler } from "./echo.ts";
import { serve } from "./serve.ts";
import { agentSettings } from "./settings.ts";
import { stopSignal } from "./stop_signal.ts";
import type { Handler } from "./work.ts";

const HELP = `
Environment:
  SESSION_ID   whose work to take (required)
  ROLE         which of its work to take (required)
  RELAY_URL    where a relay listens (ws://localhost:8080)
  AGENT_ID     the agent's name (a random one)
  CONCURRENCY  pieces of work at once, 1 to 1024 (1)
  LOG_LEVEL    trace, debug, info, warn, error or fatal (info)

SIGTERM or SIGINT lets work in hand finish; a second one ends at once.

Example:
  SESSION_ID=test ROLE=echo deno task agent
`;

const program = new Command("agent")
  .description("Takes work from a relay and answers it")
  .addHelpText("after", HELP);

program.command("echo", { isDefault: true })
  .description("answers work with its own payload (the default)")
  .action(() => runAgent(echoHandler));

async function runAgent(handler: Handler): Promise<void> {
  const settings = agentSettings(Deno.env);
  await configureLogging({
    level: logLevelSetting(Deno.env),
    pretty: Deno.stderr.isTerminal(),
  });
  await serve({ ...settings, signal: stopSignal() }, handler);
}

try {
  await program.parseAsync();
  // A socket that was given up would keep the process alive.
  Deno.exit(0);
} catch (error) {
  if (!(error instanceof OurocodusError)) throw error;
  console.error(`error: ${error.message}`);
  Deno.exit(1);
}
