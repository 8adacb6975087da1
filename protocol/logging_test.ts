import assert from "node:assert/strict";
import { getLogger, reset } from "@logtape/logtape";
import { configureLogging, logLevelSetting } from "./logging.ts";

const env = (LOG_LEVEL?: string) =>
  new Map(LOG_LEVEL === undefined ? [] : [["LOG_LEVEL", LOG_LEVEL]]);

Deno.test("LOG_LEVEL is info unless set, in any case, and warn is warning", () => {
  assert.deepEqual(
    [undefined, "", "trace", "DEBUG", "warn", "Warning", "error", "fatal"].map((level) =>
      logLevelSetting(env(level))
    ),
    ["info", "info", "trace", "debug", "warning", "warning", "error", "fatal"],
  );
});

Deno.test("another LOG_LEVEL is refused with those that are allowed", () => {
  for (const level of ["loud", "constructor", "__proto__", "toString"]) {
    assert.throws(() => logLevelSetting(env(level)), {
      name: "SettingError",
      message: `LOG_LEVEL is "${level}", allowed are trace, debug, info, warn, error, fatal`,
    });
  }
});

Deno.test("a record is one line of JSON with its properties, whatever they hold", async () => {
  const lines: string[] = [];
  await configureLogging({ level: "info", write: (line) => lines.push(line) });
  const log = getLogger(["ourocodus", "relay"]);
  log.debug("not written");
  log.info("work {id} came", { id: "a\nb", role: "r" });
  await reset();
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]?.includes("\n"));
  const record = JSON.parse(lines[0] ?? "");
  assert.equal(record.logger, "ourocodus.relay");
  assert.equal(record.level, "INFO");
  assert.equal(record.id, "a\nb");
  assert.equal(record.role, "r");
});

Deno.test("a pretty record is readable and has its properties", async () => {
  const lines: string[] = [];
  await configureLogging({ level: "warning", pretty: true, write: (line) => lines.push(line) });
  const log = getLogger(["ourocodus", "relay"]);
  log.info("not written");
  log.warn("it burns", { where: "here" });
  await reset();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /it burns[\s\S]*where[\s\S]*here/);
  assert.throws(() => JSON.parse(lines[0] ?? ""));
});
