/**
 * How one part of the system is.
 *
 * @module
 */
import type { ProcessView } from "./process_spec.ts";
import type { SystemLook } from "./system_look.ts";
import type { SystemPart } from "./system_parts.ts";

/** A part, as `status --json` prints it. */
export interface PartStatus {
  readonly name: string;
  readonly status: "healthy" | "unhealthy" | "starting" | "restarting" | "down";
  readonly port: number | null;
  readonly pid: number | null;
  /** The beginning of the container's id, in Docker. */
  readonly container: string | null;
  readonly since: string | null;
  readonly version: string | null;
  readonly restarts: number;
}

/** How long after its start a part that has never been well counts as starting, in milliseconds. */
const STARTING_MS = 5_000;

/** Asks a part. */
export async function partStatus(part: SystemPart, look: SystemLook): Promise<PartStatus> {
  const view = look.processes.find(({ spec }) => spec.name === part.name);
  const health = view?.identity && await part.health(view.spec);
  return {
    name: part.name,
    status: health ? "healthy" : statusOf(view, Date.now()),
    port: view?.spec.port ?? null,
    pid: view?.identity?.pid ?? null,
    container: null,
    since: view?.identity ? view.startedAt : null,
    version: health?.version ?? null,
    restarts: view?.restarts ?? 0,
  };
}

/** The supervisor, as a part. */
export function supervisorStatus({ supervisor }: SystemLook): PartStatus {
  const record = supervisor?.record;
  return {
    name: "supervisor",
    status: record === undefined ? "down" : "healthy",
    port: null,
    pid: record?.identity.pid ?? null,
    container: null,
    since: record?.startedAt ?? null,
    version: record?.version ?? null,
    restarts: 0,
  };
}

/** How a part is that does not say that it is well. @param now In milliseconds since 1970. */
export function statusOf(view: ProcessView | undefined, now: number): PartStatus["status"] {
  if (view === undefined || view.status === "exited") return "down";
  if (view.status === "waiting") return "restarting";
  // `start` declares it ready as soon as it is well. Nobody does so of one that is started again.
  const perhapsNever = view.status === "starting" || view.restarts > 0;
  const isYoung = now - Date.parse(view.startedAt) < STARTING_MS;
  return perhapsNever && isYoung ? "starting" : "unhealthy";
}
