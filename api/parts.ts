/**
 * What the routes work with.
 *
 * @module
 */
import type { Connection, StreamLimits } from "@ourocodus/bus";
import type { OutcomeCounts } from "@ourocodus/ops";
import type { Agents } from "./agents.ts";
import type { EventHub } from "./event_hub.ts";
import type { ApiMetrics } from "./metrics.ts";
import type { MonitorFiles } from "./monitor_files.ts";
import type { ResultWaits } from "./result_waits.ts";
import type { SessionStats } from "./session_stats.ts";
import type { SystemLook } from "./system_look.ts";

/** All that the API is made of, except HTTP. */
export interface ApiParts {
  readonly connection: Connection;
  /** Limits for the streams, in case they don't exist any more and are made. */
  readonly limits: StreamLimits;
  readonly events: EventHub;
  readonly waits: ResultWaits;
  readonly stats: SessionStats;
  readonly look: SystemLook;
  readonly agents: Agents;
  readonly counts: OutcomeCounts;
  readonly metrics: ApiMetrics;
  readonly monitor: MonitorFiles;
  /** When it started, in milliseconds since 1970. */
  readonly startedAt: number;
}
