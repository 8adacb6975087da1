/**
 * What to do about parts that run and are not well. A supervisor does not restart them: they may be
 * slow, or stopped for a reason.
 *
 * @module
 */
import { type Home, logPath } from "@ourocodus/system";
import type { PartStatus } from "./status_part.ts";

/**
 * Says so, a part a line.
 *
 * @param parts In the order of their start, nats-server first: without it the others cannot be well,
 * and nothing can be done about them.
 * @param options `kept`: whether a supervisor starts again what ends; `answers`: whether nats-server
 * does more than to greet. If not, say after its disk was full, nor can the others be well.
 */
export function adviceLines(
  parts: readonly PartStatus[],
  { home, kept, answers }: {
    readonly home: Home;
    readonly kept: boolean;
    readonly answers: boolean;
  },
): string[] {
  const [nats] = parts;
  const greets = nats?.status === "healthy";
  const concerned = greets && answers ? parts : parts.slice(0, 1);
  const isUnwell = (part: PartStatus) => part.status === "unhealthy" || greets && !answers;
  const unwell = concerned.filter((part) => part.pid !== null && isUnwell(part));
  if (unwell.length === 0) return [];
  return [
    "",
    ...unwell.flatMap(({ name, pid }) => [
      `${name}, pid ${pid}, ` +
      (greets && !answers
        ? "greets and does not answer. "
        : "runs and does not say that it is well. ") +
      `Its log: ${logPath(home, name, "part")}`,
      ...kept ? [`  kill -KILL ${pid}    ends it, and it is started again`] : [],
    ]),
    "  ourocodus stop --now, then ourocodus start    ends and starts everything",
  ];
}
