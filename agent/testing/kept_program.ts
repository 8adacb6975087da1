/**
 * Runs a script of `sh` with a keeper, until somebody kills this process; for tests.
 *
 * Prints the keeper's pid, and `looked` after each of its looks. Usage: `kept_program.ts MARK KILL_AFTER_MS SCRIPT`.
 */
import { systemClock } from "../clock.ts";
import { Keeper, MarkedProcess } from "../processes/mod.ts";

const [mark = "", killAfterMs, script = ""] = Deno.args;
const clock = {
  ...systemClock,
  after: (ms: number, run: () => void) =>
    systemClock.after(ms, () => {
      run();
      console.log("looked");
    }),
};
const keeper = new Keeper(Number(killAfterMs), { clock });
await keeper.add(mark);
console.log(`keeper ${keeper.pid}`);
const program = new MarkedProcess("/bin/sh", {
  args: ["-c", script],
  env: Deno.env.toObject(),
  cwd: "/",
  clock: systemClock,
  mark,
  keeper,
  hasInput: false,
});
await program.stdout.pipeTo(Deno.stdout.writable, { preventClose: true });
await new Promise((resolve) => setTimeout(resolve, 600_000));
