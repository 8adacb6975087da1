import { Attempt } from "./attempt.ts";
import { tryMachine } from "./testing/try_machine.ts";

Deno.test("whatever happens in whatever order, no work is lost, or running twice while its lease lives", () => {
  tryMachine(Attempt, 10_000);
});
