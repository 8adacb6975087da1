/**
 * `start --docker`: starts the system through Docker Compose.
 *
 * @module
 */
import { randomSecret } from "@ourocodus/edge";
import { readSettings } from "@ourocodus/protocol";
import {
  DEFAULT_API_PORT,
  type DockerRecord,
  DockerRuntime,
  type Home,
  keepSystemToken,
  lookAtSystem,
  type PartStatus,
  readDockerRecord,
  SystemError,
  systemSecret,
  systemToken,
  writeDockerRecord,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { restoreAgents } from "./restore_agents.ts";
import { runtimeContext } from "./runtime_context.ts";
import { COMPOSE_SETTINGS } from "./settings.ts";
import { paint } from "./terminal_text.ts";

/** Which ports (those left out are what they were, or 4222, 8080 and 9000), and whether agents. */
export interface DockerStart {
  readonly natsPort: number | undefined;
  readonly relayPort: number | undefined;
  readonly apiPort: number | undefined;
  /** Whether agents are started again that are remembered. */
  readonly agents: boolean;
}

/** The compose project, unless `COMPOSE_PROJECT_NAME` names another. */
const DEFAULT_PROJECT = "ourocodus";

/** Starts it. @throws {SystemError} If it runs as processes, or Docker cannot start it. */
export async function startDocker(
  home: Home,
  asked: DockerStart,
  console: Console,
): Promise<ExitCode> {
  const { processes } = await lookAtSystem(home);
  if (processes.some(({ spec, status }) => spec.kind === "part" && status !== "exited")) {
    throw new SystemError("It runs already, as processes. Stop it first: ourocodus stop");
  }
  const earlier = await readDockerRecord(home);
  const { project, images } = readSettings(COMPOSE_SETTINGS, console.env);
  const record = {
    project: project ?? earlier?.project ?? DEFAULT_PROJECT,
    natsPort: asked.natsPort ?? earlier?.natsPort ?? 4222,
    relayPort: asked.relayPort ?? earlier?.relayPort ?? 8080,
    apiPort: asked.apiPort ?? earlier?.apiPort ?? DEFAULT_API_PORT,
    images: images ?? earlier?.images ?? "source",
  };
  checkSame(earlier, record);
  const docker = new DockerRuntime(runtimeContext(console), record);
  const before = ids(await docker.parts());
  // In containers, parts listen on all their addresses.
  const made = await systemToken(console.env, home) === undefined;
  await keepSystemToken(home, made ? randomSecret() : await systemSecret(console.env, home));
  // Written first: what is half started can be stopped.
  await writeDockerRecord(home, record);
  const containers = await docker.up();
  const colors = paint(console.out.hasColor);
  for (const { name, version, port } of containers) {
    const label = `${name} ${version ?? ""}`.trim().padEnd(20);
    await console.out.write(`${colors.green("✓")} ${label} 127.0.0.1:${port}\n`);
  }
  const unchanged = ids(containers) === before;
  if (!unchanged && asked.agents) await restoreAgents(console);
  await console.out.write(
    unchanged ? "It runs already; nothing was changed.\n" : `Project ${record.project}. Next:\n` +
      "  ourocodus agent start --session test --role echo\n" +
      "  ourocodus token create --can admin --ttl 12h    (lets you in to the monitor)\n" +
      "  ourocodus stop\n",
  );
  return EXIT.ok;
}

function checkSame(earlier: DockerRecord | undefined, record: DockerRecord): void {
  if (earlier === undefined || JSON.stringify(earlier) === JSON.stringify(record)) return;
  throw new SystemError(
    `It was started already, as project ${earlier.project} on ports ` +
      `${
        [earlier.natsPort, earlier.relayPort, earlier.apiPort].join(", ")
      } (images: ${earlier.images}). Stop it first: ourocodus stop`,
  );
}

function ids(containers: readonly PartStatus[]): string {
  return containers.map(({ container, since }) => `${container} ${since}`).sort().join("\n");
}
