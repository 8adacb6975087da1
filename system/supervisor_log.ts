import { type Home, logPath } from "./home.ts";
import { addLogEntry } from "./log_file.ts";

/** The name of the supervisor's log. */
export const SUPERVISOR = "supervisor";

/** Adds a line to the supervisor's log. */
export function supervisorLog(home: Home, text: string): void {
  addLogEntry(logPath(home, SUPERVISOR, "part"), text);
}
