/** One step of a script: its first word and the others. */
export type Step = readonly [verb: string, ...args: string[]];

/**
 * Reads the script in a prompt: the rest of the line after `FAKE:`, statements divided by `;`,
 * words divided by spaces. A word in double quotes is a JSON string, one in braces is kept whole.
 *
 * @returns The steps; `undefined` if the prompt has no script.
 */
export function scriptIn(prompt: string): Step[] | undefined {
  const line = /FAKE:([^\n]*)/.exec(prompt)?.[1];
  if (line === undefined) return undefined;
  const statements: string[][] = [[]];
  for (
    const [word] of line.matchAll(/"(?:[^"\\]|\\.)*"|\{(?:"(?:[^"\\]|\\.)*"|[^;"])*\}|;|[^\s;"]+/g)
  ) {
    if (word === ";") statements.push([]);
    else statements.at(-1)?.push(word.startsWith('"') ? JSON.parse(word) : word);
  }
  return statements.filter((words) => words.length > 0).map(([verb = "", ...args]) =>
    [verb, ...args] as const
  );
}
