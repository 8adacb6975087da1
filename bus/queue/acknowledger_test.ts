import assert from "node:assert/strict";
import { startNats, startProxy, until } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import { Acknowledger } from "./acknowledger.ts";

/** An acknowledger behind a proxy, and what arrives at NATS. */
async function start(confirmAfterMs: number) {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const proxy = stack.use(startProxy(nats.port));
  const client = stack.use(await connect({ url: nats.url }));
  const connection = stack.use(await connect({ url: `127.0.0.1:${proxy.port}` }));
  const arrived: string[] = [];
  client.nats.subscribe("ack.*", {
    callback: (_, msg) => {
      arrived.push(msg.subject);
    },
  });
  await client.nats.flush();
  const acknowledger = new Acknowledger(connection, { confirmAfterMs });
  stack.defer(() => acknowledger.close());
  const reconnect = async () => {
    proxy.cut();
    await until(() => !connection.connected);
    proxy.heal();
    await until(() => connection.connected);
    await connection.nats.flush();
    await client.nats.flush();
  };
  return { acknowledger, arrived, connection, proxy, reconnect, stack };
}

/** Counts a connection's PINGs. @returns Tells how many there were; and sends one that is not counted. */
function countPings({ nats }: Connection): {
  readonly pings: () => number;
  readonly flush: () => Promise<void>;
} {
  const flush = nats.flush.bind(nats);
  let count = 0;
  nats.flush = () => {
    count++;
    return flush();
  };
  return { pings: () => count, flush };
}

Deno.test("an acknowledgement that a broken connection may have swallowed is repeated", async () => {
  const { acknowledger, arrived, proxy, reconnect, stack } = await start(60_000);
  await using _ = stack;
  acknowledger.acknowledge("ack.1");
  await until(() => arrived.length === 1);
  proxy.cut();
  acknowledger.acknowledge("ack.2");
  await reconnect();
  acknowledger.acknowledge("ack.3");
  await until(() => arrived.includes("ack.3"));
  assert.deepEqual(new Set(arrived), new Set(["ack.1", "ack.2", "ack.3"]));
});

Deno.test("an acknowledgement while NATS is away goes out when it is back", async () => {
  const { acknowledger, arrived, connection, proxy, reconnect, stack } = await start(60_000);
  await using _ = stack;
  proxy.cut();
  await until(() => !connection.connected);
  for (const number of [1, 2, 3]) acknowledger.acknowledge(`ack.${number}`);
  await reconnect();
  await until(() => arrived.length === 3);
  assert.deepEqual(arrived, ["ack.1", "ack.2", "ack.3"]);
});

Deno.test("a confirmed acknowledgement is not repeated, and one that was repeated is confirmed", async () => {
  const { acknowledger, arrived, reconnect, connection, proxy, stack } = await start(1);
  await using _ = stack;
  const { nats } = connection;
  const flush = nats.flush.bind(nats);
  let confirmed = 0;
  nats.flush = async () => {
    await flush();
    confirmed++;
  };
  const received = nats.stats().inMsgs;
  acknowledger.acknowledge("ack.1");
  await until(() => confirmed === 1);
  assert.equal(nats.stats().inMsgs, received, "no message comes back for one");
  proxy.cut();
  await until(() => !connection.connected);
  acknowledger.acknowledge("ack.2");
  proxy.heal();
  await until(() => confirmed === 2);
  await reconnect();
  assert.deepEqual(arrived, ["ack.1", "ack.2"]);
});

Deno.test("what is acknowledged right before the end is sent and confirmed before it", async () => {
  const { acknowledger, arrived, connection, stack } = await start(60_000);
  await using _ = stack;
  const { pings } = countPings(connection);
  acknowledger.acknowledge("ack.1");
  await acknowledger.close();
  assert.equal(pings(), 1);
  await until(() => arrived.length === 1);
});

Deno.test("one PING confirms what went before it alone, also while another is under way", async () => {
  const { acknowledger, arrived, proxy, connection, reconnect, stack } = await start(1);
  await using _ = stack;
  proxy.pause();
  // Each of the first two is followed by a PING of its own; neither is answered yet.
  const { nats } = connection;
  const { pings, flush } = countPings(connection);
  acknowledger.acknowledge("ack.1");
  await until(() => pings() >= 1);
  acknowledger.acknowledge("ack.2");
  await until(() => pings() >= 2);
  nats.flush = () => new Promise(() => {});
  acknowledger.acknowledge("ack.3");
  acknowledger.acknowledge("ack.4");
  proxy.heal();
  await until(() => arrived.length === 4);
  await flush();
  nats.flush = flush;
  await reconnect();
  await until(() => arrived.length >= 6, { message: "both without a PING to be repeated" });
  assert.deepEqual(arrived.slice(4), ["ack.3", "ack.4"]);
});
