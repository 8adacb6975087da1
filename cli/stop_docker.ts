/**
 * `stop` for a system in Docker: agents' containers first, then what compose.yaml describes.
 *
 * @module
 */
import {
  connectDocker,
  dockerAgents,
  type DockerRecord,
  type Home,
  removeAgent,
  removeDockerRecord,
  type StopOptions,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { dockerDown } from "./docker_system.ts";
import { paint } from "./terminal_text.ts";

/** Stops it. @throws {SystemError} If Docker cannot be asked, or fails. */
export async function stopDocker(
  home: Home,
  record: DockerRecord,
  options: StopOptions & { readonly volumes: boolean },
  console: Console,
): Promise<void> {
  const engine = await connectDocker(console.env);
  const colors = paint(console.out.hasColor);
  const agents = await dockerAgents(engine, record);
  if (agents.length > 0 && !options.now) {
    await console.out.write(
      `Stopping ${agents.length} agent${agents.length === 1 ? "" : "s"} first, ` +
        `after what is in hand (--now does not wait)\n`,
    );
  }
  await Promise.all(agents.map(async ({ name, container }) => {
    await removeAgent(engine, container ?? "", options);
    await console.out.write(`${colors.green("✓")} ${name} stopped\n`);
  }));
  await dockerDown(record, console, { now: options.now === true, volumes: options.volumes });
  await removeDockerRecord(home);
  await console.out.write(
    `${colors.green("✓")} project ${record.project} stopped${
      options.volumes ? ", its volumes removed" : ""
    }\n`,
  );
}
