/**
 * What to do about parts that run and are not well. A supervisor does not restart them: they may be
 * slow, or stopped for a reason.
 *
 * @module
 */
import { type Home, logPath, type PartStatus } from "@ourocodus/system";

/** What is known of parts apart from how they are. */
export interface Known {
  readonly home: Home;
  /** Whether a supervisor starts again what ends. */
  readonly kept: boolean;
  /** Whether nats-server does more than to greet. */
  readonly answers: boolean;
  /** What relays say that they cannot do, though nats-server answers. */
  readonly problems: readonly string[];
}

/**
 * Says so, a part a line.
 *
 * @param parts In the order of their start, nats-server first: if that is not well, as after its disk
 * was full, the others cannot be, and nothing can be done about them.
 */
export function adviceLines(parts: readonly PartStatus[], known: Known): string[] {
  const { home, kept, problems } = known;
  const unwell = unwellParts(parts, known).filter(({ part }) => part.pid !== null);
  const lines = [...new Set(problems)].map((problem) => `A relay says: ${problem}`);
  for (const { part: { name, pid }, wrong } of unwell) {
    lines.push(`${name}, pid ${pid}, ${wrong}. Its log: ${logPath(home, name, "part")}`);
    if (kept) lines.push(`  kill -KILL ${pid}    ends it, and it is started again`);
  }
  if (unwell.length > 0) {
    lines.push("  ourocodus stop --now, then ourocodus start    ends and starts everything");
  }
  return lines.length === 0 ? [] : ["", ...lines];
}

/** A part, and what is wrong with it. */
interface UnwellPart {
  readonly part: PartStatus;
  readonly wrong: string;
}

function unwellParts(parts: readonly PartStatus[], { answers, problems }: Known): UnwellPart[] {
  const [nats] = parts;
  if (nats?.status === "healthy") {
    if (!answers) return [{ part: nats, wrong: "greets and does not answer" }];
    if (problems.length > 0) return [{ part: nats, wrong: "does not do what relays ask of it" }];
  }
  return (nats?.status === "healthy" ? parts : parts.slice(0, 1))
    .filter(({ status }) => status === "unhealthy")
    .map((part) => ({ part, wrong: "runs and does not say that it is well" }));
}
