/**
 * Preloaded by a program, a clock that can jump: on SIGUSR1 it is set an hour back, on SIGUSR2 an
 * hour ahead. Programs see the time of day through `Date` alone; timers and `performance.now()` run
 * on a monotonic clock that no jump moves, here as on a real machine.
 *
 * @module
 */
const HOUR_MS = 3_600_000;
let skewMs = 0;
const RealDate = Date;
const now = RealDate.now;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length === 0 ? [now() + skewMs] : args, self),
});
Date.now = () => now() + skewMs;
Deno.addSignalListener("SIGUSR1", () => skewMs -= HOUR_MS);
Deno.addSignalListener("SIGUSR2", () => skewMs += HOUR_MS);
