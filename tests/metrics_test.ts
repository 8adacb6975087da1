import assert from "node:assert/strict";
import { connect } from "@ourocodus/bus";
import { sendWork } from "@ourocodus/ops";
import { SocketAgent, startApi, startNats, startRelay, until } from "./support/mod.ts";

/** Names and values of a page; checks its form on the way. */
async function metrics(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split("\n").filter(Boolean)) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (kind === "TYPE") types.set(name, rest);
    if (kind !== undefined) continue;
    const [, metric = "", value = ""] = /^(\w+(?:\{[^}]*\})?) ([-+.\deE]+)$/.exec(line) ?? [];
    assert.notEqual(metric, "", line);
    values.set(metric, Number(value));
    const family = metric.replace(/\{.*/, "").replace(/_(bucket|sum|count)$/, "");
    const type = types.get(family) ?? types.get(metric.replace(/\{.*/, ""));
    assert.ok(type !== undefined, `${metric} has no type`);
    assert.equal(metric.replace(/\{.*/, "").endsWith("_total"), type === "counter", metric);
    assert.match(family, /^ourocodus_/);
  }
  return values;
}

Deno.test("relay and API tell Prometheus what there is and what was done", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { MAX_DELIVER: "2" } });
  await using api = await startApi({ natsUrl: nats.url });
  await using connection = await connect({ url: nats.url });
  await using agent = await SocketAgent.connect({
    ...{ relayUrl: relay.url, session: "s", role: "r", concurrency: 9 },
    onWork: (work, agent) => {
      if (work.id === "stays") return;
      agent.answer(work, {}, work.id === "poison" ? "retry" : "result");
    },
  });
  for (const id of ["a", "b", "poison", "stays"]) {
    await sendWork(connection, { session: "s", role: "r", id, payload: {} });
  }
  await agent.gets(5);
  const seen = await until(async () => {
    const values = await metrics(relay.httpUrl);
    return values.get("ourocodus_relay_work_dead_total") === 1 && values;
  });
  const expected = {
    agents: 1,
    work_in_hand: 1,
    work_delivered_total: 4,
    work_redelivered_total: 1,
    work_returned_total: 1,
    results_total: 2,
    result_duplicates_total: 0,
    nats_connected: 1,
    nats_reconnects_total: 0,
    queued_seconds_count: 4,
    worked_seconds_count: 2,
    'worked_seconds_bucket{le="+Inf"}': 2,
    'build_info{version="0.1.0"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(seen.get(`ourocodus_relay_${name}`), value, name);
  }
  await fetch(`${api.url}/api/sessions`).then((response) => response.body?.cancel());
  // What was asked of the relays is shared for a moment: it may be from before the agent came.
  const ofApi = await until(async () => {
    const values = await metrics(api.url);
    return values.get("ourocodus_api_agents") === 1 && values;
  });
  assert.equal(
    ofApi.get('ourocodus_api_http_requests_total{method="GET",route="/api/sessions",status="200"}'),
    1,
  );
  assert.equal(ofApi.get("ourocodus_api_relays"), 1);
  assert.equal(ofApi.get("ourocodus_api_agents"), 1);
  assert.equal(ofApi.get("ourocodus_api_work_in_hand"), 1);
  assert.equal(ofApi.get('ourocodus_api_stream_messages{stream="work"}'), 1);
});
