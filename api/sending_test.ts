/** Sending work: ids and keys that come again, and waiting for results. */
import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { scene } from "./testing/api_scene.ts";
import { startTestApi } from "./testing/test_api.ts";

const WORK = "/api/sessions/docs/work/writer";

Deno.test("the same key stores once; other work under it is refused", async () => {
  await using api = await startTestApi();
  const headers = { "idempotency-key": "order-1" };
  const first = await api.post(WORK, { message: "one" }, headers);
  const second = await api.post(WORK, { message: "one" }, headers);
  assert.deepEqual([first.body.duplicate, second.body.duplicate], [false, true]);
  assert.equal(second.body.sequence, first.body.sequence);
  assert.equal(second.body.id, first.body.id);
  const other = await api.post(WORK, { message: "two" }, headers);
  assert.equal(other.status, 422);
  assert.equal(other.body.work_sequence, first.body.sequence);
});

Deno.test("the same id stores once; another message under it is refused, with or without a wait", async () => {
  await using there = await scene();
  const { api } = there;
  await using _agent = await there.agent("writer-1");
  const first = await api.post(WORK, { id: "x", message: "one" }, { prefer: "wait=30" });
  assert.equal(first.status, 200);
  const again = await api.post(WORK, { id: "x", message: "one" }, { prefer: "wait=30" });
  assert.deepEqual([again.status, again.body.duplicate, again.body.result.payload], [
    ...[200, true, { said: "one" }],
  ]);
  for (const headers of [{}, { prefer: "wait=30" }] as Record<string, string>[]) {
    const other = await api.post(WORK, { id: "x", message: "two" }, headers);
    assert.deepEqual([other.status, other.body.work_sequence], [422, first.body.sequence]);
    assert.match(other.body.detail, /^id "x" was used for another message/);
    assert.ok(!other.text.includes("said"), "nobody is shown another's result");
  }
});

Deno.test("anyone who waits for a result that does not come is answered in time", async () => {
  await using api = await startTestApi();
  const { status, body, headers } = await api.post(WORK, { message: "x" }, { prefer: "wait=1" });
  assert.deepEqual([status, body.result, headers.get("preference-applied")], [202, null, null]);
});

Deno.test("anyone who comes back for work that was sent before can wait for its outcome", async () => {
  await using there = await scene();
  const { api } = there;
  const { body: { sequence } } = await api.post(WORK, { id: "late", payload: {} });
  const soon = await api.fetch("/api/work/late", { headers: { prefer: "wait=1" } });
  assert.deepEqual([soon.body.state, soon.headers.get("preference-applied")], ["waiting", null]);
  const prefer = { headers: { prefer: "wait=60" } };
  const waiting = [
    api.fetch("/api/work/late?session=docs", prefer),
    api.fetch(`/api/sessions/docs/work/${sequence}`, prefer),
  ];
  await until(async () =>
    /^ourocodus_api_result_waits 2$/m.test((await api.fetch("/metrics")).text)
  );
  await using _agent = await there.agent("writer-1");
  for (const { status, body, headers } of await Promise.all(waiting)) {
    assert.deepEqual([status, body.state, body.result.type], [200, "done", "result"]);
    assert.equal(headers.get("preference-applied"), "wait=60");
  }
  const already = await api.fetch("/api/work/late", prefer);
  assert.equal(already.body.state, "done");
  assert.equal((await api.fetch("/api/work/unknown", prefer)).status, 404);
  assert.match((await api.fetch("/metrics")).text, /^ourocodus_api_result_waits 0$/m);
});
