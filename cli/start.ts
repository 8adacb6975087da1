/**
 * `start`: checks the flags, starts the parts, and says what runs where.
 *
 * @module
 */
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { resolve } from "node:path";
import { DRAIN_MS, readTokenKeys, serverSettings, TOKEN_SETTINGS } from "@ourocodus/edge";
import { readSettings, SettingError } from "@ourocodus/protocol";
import { ensureNatsServer } from "@ourocodus/setup";
import {
  bringUp,
  DEFAULT_API_PORT,
  endIfIdle,
  ensureSupervisor,
  findHome,
  findSupervisor,
  type HealthyPart,
  type Home,
  keepSystemToken,
  lookAtSystem,
  partEnvironment,
  readDockerRecord,
  SYSTEM_PARTS,
  SystemError,
  type SystemSettings,
} from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";
import { portFlag } from "./flag_values.ts";
import { runForeground } from "./foreground.ts";
import { restoreAgents } from "./restore_agents.ts";
import { helpEnd } from "./shared_flags.ts";
import { startDocker } from "./start_docker.ts";
import { paint } from "./terminal_text.ts";
import { UsageError } from "./usage_error.ts";

/** `start`: starts the system on this machine. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await start(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Starts nats-server, a relay, and the API with its monitor in the background, and waits until " +
        "all are healthy; then the agents that were running before stop. A part that crashes is " +
        "started again. Parts that run already are kept.",
    )
    .option("--docker", "start all of it in Docker, with compose.yaml; see below")
    .option("--foreground", "stay in this terminal, with the logs, until Ctrl-C")
    .option("--nats-port <port>", "the port of nats-server (default: 4222)")
    .option("--port <port>", "the port on which the relay listens for agents (default: 8080)")
    .option("--api-port <port>", "the port of the API and the monitor (default: 9000)")
    .option("--host <address>", "the address on which the relay listens (default: 127.0.0.1)")
    .option("--no-agents", "leave the agents out this time")
    .addHelpText(
      "after",
      helpEnd([
        "start",
        "start --nats-port 4333 --port 8181 --api-port 9191",
        "start --foreground",
        "start --docker",
      ], NOTES),
    );
}

const NOTES =
  `State, logs and NATS' store are in .ourocodus/ of the project, or in $OUROCODUS_HOME. The
project is the nearest folder upwards that has an .ourocodus/, else a .git, else the current folder.
Other commands find the system there, whatever its ports are, unless --nats or NATS_URL is given.

Relay and API get their settings (LOG_LEVEL, MAX_DELIVER, OUROCODUS_LOG_MAX_AGE, …) from the environment
of this command. NATS_SERVER names the nats-server to use.

Agents are started again with the environment of this command, and the variables that agent start was
given. An agent that cannot be started is named; the rest goes on. "agent stop" forgets an agent.

With --docker, "docker compose" starts it (or docker-compose, version 1), as the project "ourocodus" or
$COMPOSE_PROJECT_NAME. Missing images are built. Until stop, the commands status, stop, logs and agent
start are then about the system in Docker.`;

type Flags = FlagsOf<typeof declare>;

/** Runs the command. @throws {UsageError} If a flag has a value that cannot be used. */
function start(flags: Flags, console: Console): Promise<ExitCode> {
  const asked = {
    natsPort: portFlag("--nats-port", flags.natsPort),
    relayPort: portFlag("--port", flags.port),
    apiPort: portFlag("--api-port", flags.apiPort),
    host: flags.host,
  };
  if (flags.docker && (flags.foreground || flags.host !== undefined)) {
    throw new UsageError("--docker goes with --nats-port, --port, --api-port and --no-agents only");
  }
  return explainFailure(console, async () => {
    const home = findHome(console.env);
    if (flags.docker) return await startDocker(home, { ...asked, agents: flags.agents }, console);
    await checkRunning(home, asked);
    const server = checkServer(asked.host, console);
    const environment = console.env.toObject?.() ?? {};
    const { path } = await ensureNatsServer({
      env: environment,
      say: (line) => void console.err.write(`${line}\n`),
      signal: console.signal,
    });
    const settings: SystemSettings = {
      home,
      natsServer: path,
      natsPort: asked.natsPort ?? 4222,
      relayPort: asked.relayPort ?? 8080,
      apiPort: asked.apiPort ?? DEFAULT_API_PORT,
      host: server.host,
      tls: server.tls,
      relayDrainMs: readSettings({ drainMs: DRAIN_MS }, console.env).drainMs,
    };
    return flags.foreground
      ? await startForeground(settings, flags, console)
      : await startBackground(settings, flags, console);
  });
}

interface Asked {
  readonly natsPort: number | undefined;
  readonly relayPort: number | undefined;
  readonly apiPort: number | undefined;
  readonly host: string | undefined;
}

/** What a relay would refuse later is refused now, by the flag's name. */
function checkServer(
  host: string | undefined,
  { env }: Console,
): Pick<SystemSettings, "host" | "tls"> {
  // HOST and PORT of the environment are not the parts'.
  const own: Readonly<Record<string, string | undefined>> = { HOST: host, PORT: undefined };
  const get = (name: string) => name in own ? own[name] : env.get(name);
  try {
    const { host, tls } = serverSettings({ get }, { port: 0 });
    // Parts run in a folder of their own.
    return { host, tls: tls && { certFile: resolve(tls.certFile), keyFile: resolve(tls.keyFile) } };
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new UsageError(error.message.replace(/^HOST is/, "--host is"));
  }
}

/** What runs already cannot be given another port, or address. */
async function checkRunning(home: Home, asked: Asked): Promise<void> {
  const docker = await readDockerRecord(home);
  if (docker !== undefined) {
    throw new SystemError(
      `It runs in Docker already (project ${docker.project}). Stop it first: ourocodus stop`,
    );
  }
  const { processes } = await lookAtSystem(home);
  const relay = processes.find(({ spec, status }) => spec.name === "relay" && status !== "exited");
  const listens = relay?.spec.env.HOST;
  if (asked.host !== undefined && listens !== undefined && listens !== asked.host) {
    throw new SystemError(
      `relay runs already, on ${listens}, and --host is ${asked.host}. Stop it first: ourocodus stop`,
    );
  }
  const ports = [asked.natsPort, asked.relayPort, asked.apiPort];
  SYSTEM_PARTS.forEach(({ name, portFlag }, index) => {
    const running = processes.find(({ spec, status }) => spec.name === name && status !== "exited");
    const port = ports[index];
    if (running === undefined || port === undefined || port === running.spec.port) return;
    throw new SystemError(
      `${name} runs already, on port ${running.spec.port}, and ${portFlag} is ${port}. ` +
        `Stop it first: ourocodus stop`,
    );
  });
}

async function startBackground(
  settings: SystemSettings,
  { agents }: Flags,
  console: Console,
): Promise<ExitCode> {
  const { home } = settings;
  const environment = console.env.toObject?.() ?? {};
  const earlier = await lookAtSystem(home);
  const left = earlier.supervisor === undefined &&
    earlier.processes.some(({ status }) => status !== "exited");
  const client = await ensureSupervisor(home, partEnvironment(environment));
  const parts: HealthyPart[] = [];
  const bringing = bringUp(client, settings, {
    environment: partEnvironment(environment),
    signal: console.signal,
    onHealthy: (part) => {
      parts.push(part);
      void console.out.write(`${partLine(part, console)}\n`);
    },
  });
  const started = await bringing.catch(async (error) => {
    const names = parts.filter(({ ran }) => !ran).map(({ part }) => part.name);
    if (names.length > 0) await console.out.write(`Stopped again: ${names.join(", ")}.\n`);
    throw error;
  });
  if (started) await keepSystemToken(home, await environmentToken(console));
  if (left) {
    await console.out.write("What an earlier start had left running was taken over.\n");
  } else if (!started) {
    await console.out.write(
      "It runs already, with the settings of its start; nothing was changed.\n",
    );
    return EXIT.ok;
  }
  const failed = agents ? await restoreAgents(console) : [];
  await console.out.write(nextSteps(home, parts) + await lostAgents(home, failed));
  return EXIT.ok;
}

/** Says which agents ended while no supervisor looked, with all else that ran, as it seems. */
async function lostAgents(home: Home, told: readonly string[]): Promise<string> {
  const { processes } = await lookAtSystem(home);
  const lost = processes.filter(({ spec, status, exit }) =>
    spec.kind === "agent" && status === "exited" && exit?.code === null && exit.signal === null &&
    !told.includes(spec.name)
  );
  if (lost.length === 0) return "";
  const names = lost.map(({ spec }) => spec.name).join(", ");
  const [are, them] = lost.length === 1 ? ["is", "it"] : ["are", "them"];
  return `Of before, ${names} ${are} not running any more. To start ${them} again:\n` +
    `  ourocodus agent restart ${lost.map(({ spec }) => spec.name).join(" ")}\n`;
}

async function startForeground(
  settings: SystemSettings,
  { agents }: Flags,
  console: Console,
): Promise<ExitCode> {
  const environment = console.env.toObject?.() ?? {};
  const running = await findSupervisor(settings.home);
  if (running !== undefined) {
    const { pid } = running.record.identity;
    throw new SystemError(
      `It runs already, in the background (supervisor: pid ${pid}). ` +
        `"ourocodus logs --follow" shows its logs, "ourocodus stop" ends it`,
    );
  }
  await runForeground(settings.home, console, {
    environment: partEnvironment(environment),
    bringUp: async (client, signal) => {
      try {
        await bringUp(client, settings, {
          environment: partEnvironment(environment),
          signal,
          onHealthy: (part) => void console.out.write(`${partLine(part, console)}\n`),
        });
        await keepSystemToken(settings.home, await environmentToken(console));
      } catch (error) {
        await endIfIdle(client);
        throw error;
      }
      if (agents) await restoreAgents(console);
      await console.out.write("Ctrl-C stops it.\n");
    },
  });
  return EXIT.ok;
}

/** The secret that the parts have from the environment. */
async function environmentToken({ env }: Console): Promise<string | undefined> {
  const { secret, secretFile } = readSettings(TOKEN_SETTINGS, env);
  return secret ?? (secretFile && (await readTokenKeys({ secretFile })).secret);
}

function partLine({ part, view, version }: HealthyPart, console: Console): string {
  const colors = paint(console.out.hasColor);
  const name = `${part.name} ${version}`.padEnd(20);
  const url = part.url(view.spec).padEnd(24);
  return `${colors.green("✓")} ${name} ${url} pid ${view.identity?.pid}`;
}

function nextSteps(home: Home, parts: readonly HealthyPart[]): string {
  const api = parts.find(({ part }) => part.name === "api");
  const monitor = api === undefined ? "" : `The monitor: ${api.part.url(api.view.spec)}/\n`;
  return `${monitor}State and logs are in ${home.folder}. Next:
  ourocodus agent start --session test --role echo
  ourocodus send work --session test --message hello --wait
  ourocodus status
  ourocodus stop
`;
}
