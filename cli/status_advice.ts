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
 * @param options `kept`: whether a supervisor starts again what ends.
 */
export function adviceLines(
  parts: readonly PartStatus[],
  { home, kept }: { readonly home: Home; readonly kept: boolean },
): string[] {
  const [nats] = parts;
  const concerned = nats?.status === "healthy" ? parts : parts.slice(0, 1);
  const unwell = concerned.filter(({ status, pid }) => status === "unhealthy" && pid !== null);
  if (unwell.length === 0) return [];
  return [
    "",
    ...unwell.flatMap(({ name, pid }) => [
      `${name}, pid ${pid}, runs and does not say that it is well. ` +
      `Its log: ${logPath(home, name, "part")}`,
      ...kept ? [`  kill -KILL ${pid}    ends it, and it is started again`] : [],
    ]),
    "  ourocodus stop --now, then ourocodus start    ends and starts everything",
  ];
}
