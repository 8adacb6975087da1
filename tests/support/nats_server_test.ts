import assert from "node:assert/strict";
import { natsGreeting } from "../../setup/mod.ts";
import { startNats, TestNats } from "./nats_server.ts";

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("startNats starts a server with JetStream and a store of its own", async () => {
  let server: TestNats;
  {
    await using running = await startNats();
    server = running;
    const greeting = await natsGreeting(server.port);
    assert.equal(greeting?.version, server.version);
    assert.equal(greeting?.jetstream, true);
    assert.equal(await exists(server.storeDir), true);
  }
  assert.equal(await natsGreeting(server.port), undefined);
  assert.equal(await exists(server.storeDir), false);
});

Deno.test("startNats starts a server without JetStream", async () => {
  await using server = await startNats({ jetstream: false });
  assert.notEqual((await natsGreeting(server.port))?.jetstream, true);
});

Deno.test("startNats hands a configuration to the server", async () => {
  await using server = await startNats({ config: "max_payload: 4096\n" });
  const greeting = await natsGreeting(server.port) as { max_payload?: number } | undefined;
  assert.equal(greeting?.max_payload, 4096);
  assert.equal(await exists(`${server.storeDir}/jetstream`), true);
});

Deno.test("startNats shows the server's log if it does not start", async () => {
  await assert.rejects(startNats({ config: "no_such_setting: 1\n" }), /no_such_setting/);
});

Deno.test("restart keeps port and store, also after a crash", async () => {
  await using server = await startNats();
  const { port, pid } = server;
  await server.restart();
  assert.notEqual(server.pid, pid);
  await server.kill();
  assert.equal(await natsGreeting(port), undefined);
  await server.start();
  assert.equal((await natsGreeting(port))?.jetstream, true);
});
