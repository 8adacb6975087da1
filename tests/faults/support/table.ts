import { ROOT } from "../../support/mod.ts";
import type { FaultRecord } from "./record.ts";

/** Where what faults did is told, the mixed ones of chaos too. */
export const FAULTS_FILE = `${ROOT}/tests/FAULTS.md`;

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
real processes on a real nats-server, and again on three that form a cluster and keep each stream on
all of them: what strikes nats-server strikes all three. It keeps books of all work that was
acknowledged to its sender, and compares them with what came of it.

**Lost** is work without an outcome, or with two. **Went on after** is the time from the fault until
the first result that had to wait for it, or until the system took new work; "not stopped" where
work never waited. Much of it depends on settings: \`LEASE_GRACE_SECONDS\`, \`ACK_WAIT_SECONDS\`, the ping that
finds a half-open socket, and how long a test keeps something away. A cluster that starts chooses
leaders first.

Power cuts are real ones for the store: it is on a file system of its own, which the kernel shuts
down, so that what was not synced is gone.
`;

const HEAD = [
  ...["fault", "lost", "works", "went on after"],
  ...["lost, on three", "works", "went on after", "what happened"],
];

/** The table as Markdown: a row for each fault, with what came of it on one server and on three. */
export function faultTable({ day, nats, deno, records }: FaultRun): string {
  const faults = new Set(records.map(({ fault }) => fault));
  const rows = [...faults].map((fault) => {
    const [one, three] = [1, 3].map((servers) =>
      records.find((record) => record.fault === fault && record.servers === servers)
    );
    return [fault, ...cells(one), ...cells(three), one?.note ?? three?.note ?? ""];
  });
  const lines = [HEAD, HEAD.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  const losing = new Set(
    records.filter(({ lost }) => lost !== "nothing").map(({ fault }) => fault),
  );
  const summary =
    `${faults.size} faults, ${losing.size === 0 ? "none" : losing.size} of which lost ` +
    `anything. nats-server ${nats}, Deno ${deno}, ${day}.`;
  return `${INTRODUCTION}\n${summary}\n\n${lines.join("\n")}\n`;
}

/** What was lost, of how many, and when work went on; without a record, dashes. */
function cells(record: FaultRecord | undefined): string[] {
  if (record === undefined) return ["–", "–", "–"];
  const { lost, works, wentOnMs } = record;
  return [lost, String(works), wentOnMs === undefined ? "not stopped" : duration(wentOnMs)];
}

/** A time for people: `80 ms`, `1.2 s`. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/**
 * Writes {@linkcode FAULTS_FILE} anew, as `deno fmt` does, and says so.
 *
 * @param by Makes its text from the one before.
 */
export async function rewriteFaults(by: (before: string) => string): Promise<void> {
  await Deno.writeTextFile(FAULTS_FILE, by(await Deno.readTextFile(FAULTS_FILE)));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", FAULTS_FILE] }).output();
  console.log(`\nWritten: ${FAULTS_FILE}`);
}
