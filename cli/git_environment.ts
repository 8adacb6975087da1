import type { Console } from "./console.ts";

/** What git needs of the environment: where programs are, and where its user's settings are. */
export function gitEnvironment({ env }: Console): Record<string, string> {
  const names = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "USER", "LOGNAME"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = read(env, name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** In the image the command line may not read all of it, nor run git: that is said where it would. */
function read(env: Console["env"], name: string): string | undefined {
  try {
    return env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
