import assert from "node:assert/strict";
import { type AttemptRecord, type Lease, NO_ATTEMPTS, parseLease } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../tests/support/mod.ts";
import { connect, type Connection } from "./connection.ts";
import { LeaseExchange, type LeaseHolder } from "./lease_exchange.ts";

/** So little that what is asked and answered here takes many messages. */
const SMALL = "max_payload: 2048\n";
const waitMs = () => 10_000;

/** A relay that has work, and what it was told. */
class Holder implements LeaseHolder {
  readonly told: string[] = [];
  readonly #has: ReadonlySet<string>;

  constructor(leases: readonly Lease[]) {
    this.#has = new Set(leases.map(({ work }) => work));
  }

  keepsDelivered({ work }: Lease): boolean {
    return this.#has.has(work);
  }

  objectsTo({ work }: Lease): boolean {
    return this.#has.has(work);
  }

  returned({ work }: Lease, record: AttemptRecord | undefined): void {
    this.told.push(`${record?.agent_id} ${work}`);
  }

  answered({ work }: Lease): void {
    this.told.push(`answered ${work}`);
  }

  sequences(): number[] {
    return Array.from(this.#has, (work) => Number(work.split(".")[0]));
  }
}

function leases(count: number): Lease[] {
  return Array.from({ length: count }, (_, index) => {
    const domain = "d".repeat(index % 300 + 1);
    const place = `1.${index + 1}.1.1763999999999999999.0`;
    const lease = parseLease(`$JS.ACK.${domain}.account.OUROCODUS_WORK.s=r.${place}`);
    assert.ok(lease);
    return lease;
  });
}

function exchange(connection: Connection, relayId: string, holder: LeaseHolder): LeaseExchange {
  return new LeaseExchange(connection, { relayId, holder });
}

Deno.test("as many leases as there may be are asked about, whatever the server takes in a message", async () => {
  await using nats = await startNats({ config: SMALL });
  await using one = await connect({ url: nats.url });
  await using other = await connect({ url: nats.url });
  const all = leases(4_096);
  const kept = new Set(all.map(({ work }) => work));
  exchange(other, "other", new Holder(all));
  await other.nats.flush();
  const asking = exchange(one, "one", new Holder([]));
  assert.deepEqual(await asking.keptElsewhere(all, waitMs), kept);
  // The one that objects may be one of several, so that is waited for.
  assert.deepEqual(await asking.objections(() => all, "agent", () => 1_000), kept);
  const sequences = await asking.heldElsewhere(1_000);
  assert.deepEqual(sequences, new Set(all.map(({ sequence }) => sequence)));
});

Deno.test("what is no question of another relay's is passed over, and the next one is answered", async () => {
  await using nats = await startNats({ config: SMALL });
  await using one = await connect({ url: nats.url });
  await using other = await connect({ url: nats.url });
  const [lease, unknown] = leases(2);
  assert.ok(lease && unknown);
  const holder = new Holder([lease]);
  exchange(other, "other", holder);
  await other.nats.flush();
  const asking = exchange(one, "one", new Holder([]));
  const strange: unknown[] = [
    ...["", "x", 1, null, [], {}],
    { relay_id: "x" },
    { relay_id: "x", kind: "delivered", leases: "all" },
    { relay_id: "x", kind: "delivered", leases: [1] },
    { relay_id: "x", kind: "returned", leases: [lease.subject, 1] },
    { kind: "returned", leases: [lease.subject] },
    { relay_id: "x", kind: "claim", leases: [lease.subject] },
    { relay_id: "other", kind: "returned", leases: [lease.subject] },
  ];
  for (const text of strange) one.nats.publish("relays.leases", JSON.stringify(text));
  asking.tellReturned(lease, { ...NO_ATTEMPTS, agent_id: "a" });
  asking.tellReturned(lease, NO_ATTEMPTS);
  asking.tellAnswered(lease);
  assert.deepEqual(await asking.keptElsewhere([lease], waitMs), new Set([lease.work]));
  assert.deepEqual(holder.told, [
    `a ${lease.work}`,
    `undefined ${lease.work}`,
    `answered ${lease.work}`,
  ]);
  const both = [lease, unknown];
  const some = [
    asking.keptElsewhere(both, () => 1_000),
    asking.objections(() => both, "agent", () => 1_000),
  ];
  for (const named of await Promise.all(some)) assert.deepEqual(named, new Set([lease.work]));
});

Deno.test("of what is asked when this end is closed nothing is known, and nobody waits for it", async () => {
  await using nats = await startNats();
  await using one = await connect({ url: nats.url });
  const [lease] = leases(1);
  assert.ok(lease);
  const asking = exchange(one, "one", new Holder([]));
  const asked = [
    asking.keptElsewhere([lease], () => 600_000),
    asking.objections(() => [lease], "agent", () => 600_000),
  ];
  const held = asking.heldElsewhere(600_000);
  asking.close();
  assert.deepEqual(await Promise.all(asked), [undefined, undefined]);
  assert.deepEqual(await held, new Set());
  assert.equal(await asking.keptElsewhere([lease], () => 600_000), undefined);
});

Deno.test("a relay's end that is closed answers no more", async () => {
  await using nats = await startNats();
  await using one = await connect({ url: nats.url });
  await using other = await connect({ url: nats.url });
  const [lease] = leases(1);
  assert.ok(lease);
  const closed = exchange(other, "other", new Holder([lease]));
  closed.close();
  await other.nats.flush();
  const asking = exchange(one, "one", new Holder([]));
  const asked = asking.keptElsewhere([lease], () => 600_000);
  // What would have been answered is answered before this.
  for (const connection of [one, one, other, one]) await connection.nats.flush();
  asking.close();
  assert.equal(await asked, undefined);
});

Deno.test("what is asked as NATS is lost, or while it is away, is asked when it is back", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using one = await connect({ url: `127.0.0.1:${proxy.port}` });
  await using other = await connect({ url: nats.url });
  const [lease] = leases(1);
  assert.ok(lease);
  exchange(other, "other", new Holder([lease]));
  await other.nats.flush();
  const asking = exchange(one, "one", new Holder([]));
  const waits = [10_000, 600_000];
  proxy.cut();
  const before = asking.keptElsewhere([lease], () => waits.pop() ?? 0);
  await until(() => !one.connected);
  const meanwhile = asking.keptElsewhere([lease], waitMs);
  proxy.heal();
  assert.deepEqual(await before, new Set([lease.work]));
  assert.deepEqual(await meanwhile, new Set([lease.work]));
});
