import assert from "node:assert/strict";
import { parseRecords } from "./record.ts";
import { duration, faultTable } from "./table.ts";

Deno.test("the table has a row for each fault, and says how many lost anything", () => {
  const records = parseRecords(
    '{"fault":"relay | kill -9","lost":"nothing","works":3,"wentOnMs":1234,"note":"one attempt","servers":1}\n' +
      '{"fault":"other","lost":"2 vanished","works":1,"servers":1}\n' +
      '{"fault":"relay | kill -9","lost":"nothing","works":4,"note":"again","servers":3}\n',
  );
  const table = faultTable({ day: "2026-01-02", nats: "2.14.5", deno: "2.9.6", records });
  assert.match(table, /^2 faults, 1 of which lost anything\. nats-server 2\.14\.5/m);
  const rows = table.split("\n").filter((line) => /^\| (relay|other)/.test(line));
  assert.deepEqual(rows, [
    "| relay \\| kill -9 | nothing | 3 | 1.2 s | nothing | 4 | not stopped | one attempt |",
    "| other | 2 vanished | 1 | not stopped | – | – | – |  |",
  ]);
});

Deno.test("times are told in milliseconds, from a second on in seconds", () => {
  assert.deepEqual([0.4, 80, 999, 1_000, 61_240].map(duration), [
    "0 ms",
    "80 ms",
    "999 ms",
    "1.0 s",
    "61.2 s",
  ]);
});
