import assert from "node:assert/strict";
import { isHandedOut } from "./events.ts";

Deno.test("work is handed out until an event says that it is not, however silent its agent is", () => {
  const cases: [boolean, string[]][] = [
    [false, []],
    [false, ["work.stored"]],
    [true, ["work.stored", "work.offered", "progress"]],
    [true, ["work.offered", "work.returned", "work.redelivered", "work.silent", "progress"]],
    [false, ["work.offered", "work.silent", "work.returned"]],
    [false, ["work.offered", "work.cancelled"]],
  ];
  for (const [expected, types] of cases) assert.equal(isHandedOut(types), expected, types.join());
});
