import assert from "node:assert/strict";
import { HeldClock, startFake } from "../../testing/fake_adapter.ts";
import { AdapterError } from "./errors.ts";

Deno.test("conversation has one turn at a time", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  const first = conversation.prompt('FAKE: say hi; run "read x < fifo || sleep 1000"');
  await assert.rejects(conversation.prompt("FAKE: say again"), /A turn of session .* runs already/);
  conversation.cancel();
  assert.equal((await first).stopReason, "cancelled");
  assert.equal((await conversation.prompt("FAKE: say again")).stopReason, "end_turn");
});

Deno.test("conversation answers what is pending with cancelled, and the turn ends", async () => {
  await using fake = startFake();
  const { listener } = fake;
  listener.answer = "never";
  const conversation = await fake.adapter.open({ listener });
  const stop = new AbortController();
  const turn = conversation.prompt('FAKE: ask; run "touch made"', stop.signal);
  await listener.until(({ asked }) => asked.length === 1);
  stop.abort();
  assert.equal((await turn).stopReason, "cancelled");
  assert.equal(listener.asked[0]?.signal.aborted, true);
  await assert.rejects(Deno.stat(`${fake.folder}/made`), Deno.errors.NotFound);
});

Deno.test("conversation does not prompt when it is cancelled before", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  const end = await conversation.prompt("FAKE: say hi", AbortSignal.abort());
  assert.deepEqual(end, { stopReason: "cancelled" });
  assert.deepEqual(fake.listener.updates, []);
});

Deno.test("conversation has an agent ended that does not listen to cancel", async () => {
  const clock = new HeldClock(60_000);
  await using fake = startFake({ clock, cancelWaitMs: 60_000, startTimeoutMs: 50_000 });
  const conversation = await fake.adapter.open({ listener: fake.listener });
  const turn = conversation.prompt("FAKE: say hi; deaf");
  await fake.listener.until(({ said }) => said === "hi");
  conversation.cancel();
  const rejected = assert.rejects(
    turn,
    (error) =>
      error instanceof AdapterError && error.code === "no_answer" &&
      error.method === "session/cancel",
  );
  clock.run();
  await rejected;
});

Deno.test("conversation asks its listener, with the options that the agent offers", async () => {
  await using fake = startFake();
  const { listener, folder } = fake;
  const conversation = await fake.adapter.open({ listener });
  await conversation.prompt('FAKE: ask allow_once reject_once; run "touch allowed"');
  listener.answer = "reject_once";
  await conversation.prompt('FAKE: ask; run "touch forbidden"; say after');
  listener.answer = "reject_always"; // Not offered.
  await conversation.prompt('FAKE: ask allow_once; run "touch forbidden"');
  const kinds = listener.asked.map(({ request }) => request.options.map(({ kind }) => kind));
  assert.deepEqual(kinds, [
    ["allow_once", "reject_once"],
    ["allow_once", "allow_always", "reject_once"],
    ["allow_once"],
  ]);
  assert.equal(listener.said, "after");
  assert.ok(Deno.statSync(`${folder}/allowed`));
  await assert.rejects(Deno.stat(`${folder}/forbidden`), Deno.errors.NotFound);
});

for (const [how, reason] of [["cancelled", "cancelled"], ["end", "end_turn"]] as const) {
  Deno.test(`conversation says ${reason} when a rejected permission ends the turn`, async () => {
    await using fake = startFake();
    fake.listener.answer = "reject_once";
    const conversation = await fake.adapter.open({ listener: fake.listener });
    const end = await conversation.prompt(`FAKE: rejected ${how}; ask; run "true"; say after`);
    assert.deepEqual(end, { stopReason: reason });
    assert.equal(fake.listener.said, "");
  });
}

Deno.test("conversation gives the failure of the answer, or of an update that is an error", async () => {
  await using fake = startFake();
  const conversation = await fake.adapter.open({ listener: fake.listener });
  const limit = await conversation.prompt('FAKE: failure limit error "too many" retry');
  assert.equal(limit.stopReason, "end_turn");
  const { category, severity, title, actions } = limit.failure ?? {};
  assert.deepEqual([category, severity, title, actions], ["limit", "error", "too many", ["retry"]]);
  const warned = await conversation.prompt("FAKE: warn service retrying; say done");
  assert.equal(warned.failure, undefined);
  const meta = {
    jetbrains: { air: { sessionFailure: { category: "access", severity: "error" } } },
  };
  const update = { sessionUpdate: "session_info_update", _meta: meta };
  const failed = await conversation.prompt(
    `FAKE: update ${JSON.stringify(JSON.stringify(update))}`,
  );
  assert.equal(failed.failure?.category, "access");
});

for (const reason of ["refusal", "max_tokens", "max_turn_requests"]) {
  Deno.test(`conversation gives the stop reason ${reason}`, async () => {
    await using fake = startFake();
    const conversation = await fake.adapter.open({ listener: fake.listener });
    assert.equal((await conversation.prompt(`FAKE: say x; stop ${reason}`)).stopReason, reason);
  });
}

Deno.test("conversation tells its listener everything before the turn's end, in order", async () => {
  await using fake = startFake();
  const { listener } = fake;
  const conversation = await fake.adapter.open({ listener });
  for (let turn = 0; turn < 5; turn++) {
    listener.updates.length = 0;
    await conversation.prompt(`FAKE: trickle ${"abcdefghij".repeat(10)} 100 0`);
    assert.equal(listener.said, "abcdefghij".repeat(10));
  }
});
