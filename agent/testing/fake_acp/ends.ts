/**
 * The ways in which the fake agent's process ends, or never does.
 *
 * @module
 */

/** Closes standard output for certain, on Linux: the runtime's own `close` leaves copies of it open. */
export function closeOutput(): void {
  const folder = "/proc/self/fd";
  const output = Deno.readLinkSync(`${folder}/1`);
  const signature = { parameters: ["i32"], result: "i32" } as const;
  const { close } = Deno.dlopen("libc.so.6", { close: signature }).symbols;
  for (const { name } of [...Deno.readDirSync(folder)]) {
    try {
      if (Deno.readLinkSync(`${folder}/${name}`) === output) close(Number(name));
    } catch {
      // It was the folder's own.
    }
  }
}

/** Never; keeps the process alive. */
export function forever(): Promise<never> {
  return new Promise(() => void setInterval(() => {}, 1e9));
}

/** Ends this process: by a signal, or with an exit code. */
export function die(how: string): never {
  if (how.startsWith("SIG")) {
    Deno.kill(Deno.pid, how as Deno.Signal);
    while (true); // The signal comes.
  }
  Deno.exit(Number(how || 1));
}
