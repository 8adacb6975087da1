/**
 * Builds the monitor if that was never done, or something of it has changed since.
 *
 * @module
 */
import { buildMonitor, monitorIsStale } from "./build.ts";

if (import.meta.main && await monitorIsStale()) await buildMonitor();
