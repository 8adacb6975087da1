import assert from "node:assert/strict";
import { workSubject } from "@ourocodus/protocol";
import { startNats, until } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import { ensureStreams } from "../streams.ts";
import { WorkAlarm } from "./work_alarm.ts";

const SUBJECT = workSubject("s", "r");

Deno.test("an alarm that listens tells of each item of its role's work, and a silent one of none", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  let told = 0;
  const alarm = new WorkAlarm(connection, SUBJECT, () => told++);
  alarm.listen();
  alarm.listen();
  const publish = async () => {
    connection.nats.publish(SUBJECT, "{}");
    connection.nats.publish(workSubject("s", "other"), "{}");
    await connection.nats.flush();
  };
  await publish();
  await until(() => told > 0);
  assert.equal(told, 1);
  alarm.silence();
  await publish();
  assert.equal(told, 1);
  alarm.listen();
  await publish();
  await until(() => told > 1);
  assert.equal(told, 2);
});

Deno.test("an alarm knows of work that was there before, and of none that there is not, if it can ask", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const alarm = new WorkAlarm(connection, SUBJECT, () => {});
  assert.equal(await alarm.hasWork(), false);
  await connection.nats.request(SUBJECT, "{}");
  assert.equal(await alarm.hasWork(), true);
  await connection.nats.request("$JS.API.STREAM.PURGE.OUROCODUS_WORK");
  assert.equal(await alarm.hasWork(), false);
  await connection.close();
  assert.equal(await alarm.hasWork(), true);
});

Deno.test("a role without work is looked at again soon, then seldom, and soon again once it was awake", () => {
  const alarm = new WorkAlarm({} as Connection, SUBJECT, () => {});
  const waits = () => {
    alarm.lookLater(1_000_000);
    return alarm.lookAt - 1_000_000;
  };
  const isSoon = (ms: number) => assert.ok(ms >= 1_000 && ms <= 2_000, `${ms} ms`);
  isSoon(waits());
  const later = [waits(), waits()];
  for (const ms of later) assert.ok(ms >= 60_000 && ms <= 120_000, `${ms} ms`);
  assert.notEqual(later[0], later[1], "those that began together don't ask together");
  alarm.silence();
  isSoon(waits());
});
