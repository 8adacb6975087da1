/** Of `prctl(2)`. */
const PR_SET_DUMPABLE = 4;

/**
 * Keeps other processes of the same user from reading this one's environment and memory in `/proc`,
 * and from tracing it. What it starts is not concerned. Root may do all that anyway.
 *
 * @returns False where that cannot be done: it is a call of Linux' C library, for which Deno asks
 * for the permission `ffi`.
 */
export function hideMemory(): boolean {
  if (Deno.build.os !== "linux") return false;
  for (const name of ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`]) {
    try {
      const library = Deno.dlopen(name, {
        prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
      });
      const failed = library.symbols.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n);
      library.close();
      return failed === 0;
    } catch {
      // There is another one, or none.
    }
  }
  return false;
}
