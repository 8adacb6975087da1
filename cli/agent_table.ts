import type { AgentRow } from "@ourocodus/system";
import { type Cell, headRow, table } from "./table.ts";
import { harmless, type Paint, span } from "./terminal_text.ts";

/** Agents as a table, with a heading. @param now In milliseconds since 1970. */
export function agentTable(rows: readonly AgentRow[], colors: Paint, now: number): string[] {
  const heading = ["NAME", "SESSION", "ROLE", "STATUS", "RUNNING", "RUNTIME", "UPTIME", "ID"];
  return table([
    headRow(heading, colors.bold),
    ...rows.map((row): Cell[] => [
      row.name ?? "-",
      row.session,
      row.role,
      statusCell(row, colors, now),
      `${row.in_hand}/${row.concurrency}`,
      row.pid === null ? row.runtime : `${row.runtime} ${row.pid}`,
      row.since === null ? "-" : span(now - Date.parse(row.since)),
      row.id,
    ]),
  ]);
}

function statusCell(
  { status, exit, restarts, paused }: AgentRow,
  colors: Paint,
  now: number,
): Cell {
  const how = status === "exited"
    ? `exited(${exit?.code ?? exit?.signal ?? "?"})`
    : paused === null
    ? status
    : `${harmless(paused.reason)} for ${span(Math.max(0, Date.parse(paused.until) - now))}`;
  const text = restarts === 0 ? how : `${how}, ${restarts} restart${restarts === 1 ? "" : "s"}`;
  const color = status === "connected" && paused === null
    ? colors.green
    : status === "exited"
    ? colors.red
    : colors.yellow;
  return { text, color };
}
