import assert from "node:assert/strict";
import { paint } from "./terminal_text.ts";
import { logLineTime, readableLogLine } from "./log_line.ts";

const TIME = "2026-11-23T19:51:11.939Z";
const RECORD = JSON.stringify({
  "@timestamp": TIME,
  level: "INFO",
  message: "relay\u001b[2J listens",
  logger: "ourocodus.relay",
  port: 8080,
  note: "two words",
});

Deno.test("a record is one line of text, which can do no harm", () => {
  assert.equal(
    readableLogLine(RECORD, paint(false)),
    `${TIME} INFO  relay\\u001b[2J listens port=8080 note="two words"`,
  );
});

Deno.test("what is no record stays as it is, except what could do harm", () => {
  for (const line of ["[1] 2026/11/23 [INF] ready", "{no json", "{}", ""]) {
    assert.equal(readableLogLine(line, paint(false)), line);
  }
  assert.equal(readableLogLine("a\u001bb", paint(false)), "a\\u001bb");
});

Deno.test("the time of a line is known, no matter which part wrote it", () => {
  const time = Date.parse(TIME);
  assert.equal(logLineTime(RECORD), time);
  assert.equal(logLineTime(`${TIME} [ourocodus] relay stopped`), time);
  const nats = "[8] 2026/11/23 19:51:11.939123 [INF] ready";
  assert.equal(logLineTime(nats), new Date(2026, 10, 23, 19, 51, 11, 939).getTime());
  assert.equal(logLineTime("Error: no time"), undefined);
});
