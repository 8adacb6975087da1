/**
 * Fetches the npm packages of programs into Deno's cache, so that the programs do not when they
 * start: what they wrote about it would stand in the middle of their own output. Deno says what it
 * fetches, and what went wrong; a program that lacks a package says so itself when it starts.
 *
 * @param programs Paths of the programs.
 * @param options `cwd`: where the paths begin. `signal`: gives up.
 */
export async function fetchPackages(
  programs: readonly string[],
  options: { readonly cwd: string; readonly signal?: AbortSignal },
): Promise<void> {
  const { cwd, signal } = options;
  await new Deno.Command(Deno.execPath(), {
    // Not "deno install": it may end before it has kept all that it fetched.
    args: ["cache", ...programs],
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
    signal,
  }).spawn().status;
  signal?.throwIfAborted();
}
