import type { Console } from "./console.ts";

/** What git needs of the environment: where programs are, and where its user's settings are. */
export function gitEnvironment({ env }: Console): Record<string, string> {
  const names = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "USER", "LOGNAME"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
