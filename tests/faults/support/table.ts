import type { FaultRecord } from "./record.ts";

/** What a run of all faults was made with. */
export interface FaultRun {
  /** The day, like 2026-11-24. */
  readonly day: string;
  /** The version of nats-server. */
  readonly nats: string;
  readonly deno: string;
  readonly records: readonly FaultRecord[];
}

const INTRODUCTION = `# Faults

What breaks, what is lost by it, and how long it takes until work goes on. This table is made by a
run of the tests in [faults/](faults/), one row a test: \`deno task faults\` writes it anew. Each runs
real processes on a real nats-server, keeps books of all work that was acknowledged to its sender,
and compares them with what came of it.

**Lost** is work without an outcome, or with two. **Went on after** is the time from the fault until
the first result that had to wait for it, or until the system took new work; "not stopped" where
work never waited. Much of it are settings: \`LEASE_GRACE_SECONDS\`, \`ACK_WAIT_SECONDS\`, the ping that
finds a half-open socket, and how long a test keeps something away.
`;

/** The table as Markdown. */
export function faultTable({ day, nats, deno, records }: FaultRun): string {
  const rows = records.map(({ fault, lost, works, wentOnMs, note = "" }) => [
    fault,
    lost,
    String(works),
    wentOnMs === undefined ? "not stopped" : duration(wentOnMs),
    note,
  ]);
  const head = ["fault", "lost", "works", "went on after", "what happened"];
  const lines = [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  const lostAny = records.filter(({ lost }) => lost !== "nothing").length;
  const summary = `${records.length} faults, ${lostAny === 0 ? "none" : lostAny} of which lost ` +
    `anything. nats-server ${nats}, Deno ${deno}, ${day}.`;
  return `${INTRODUCTION}\n${summary}\n\n${lines.join("\n")}\n`;
}

/** A time for people: `80 ms`, `1.2 s`. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
