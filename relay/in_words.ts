/** A duration for people: `90 s`, `30 min`, `24 h`. */
export function inWords(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
