import assert from "node:assert/strict";
import { frameBytes, OPCODE, RawSocket, until } from "../tests/support/mod.ts";
import { AgentWebSocket } from "./agent_web_socket.ts";
import { Seats } from "./connection_limits.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** Serves agents named `a`, whom it gives up when they are silent for a second. */
function serveAgents({ relay }: TestRelay, seats: Seats): Deno.HttpServer<Deno.NetAddr> {
  const asked = { session: "s", role: "r", agentId: "a", concurrency: 1, confirm: false } as const;
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const seating = seats.take("s", undefined);
    assert.ok(seating.kind === "ok");
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 1 });
    const parts = { relay, asked: { ...asked, protocol: "plain" as const }, seat: seating.seat };
    new AgentWebSocket(socket, parts);
    return response;
  });
}

for (const silent of [true, false]) {
  const how = silent ? "answers no pings is kept for it" : "says goodbye is given back at once";
  Deno.test(`work of an agent that ${how}`, async () => {
    await using test = await TestRelay.start();
    await using server = serveAgents(test, new Seats());
    const relayUrl = `ws://127.0.0.1:${server.addr.port}`;
    await using socket = await RawSocket.connect({ relayUrl, session: "s", role: "r" });
    test.work("1");
    await socket.hears("1");
    if (silent) {
      socket.pause();
    } else {
      const payload = Uint8Array.of(1001 >> 8, 1001 & 0xff);
      await socket.write(frameBytes({ opcode: OPCODE.close, payload }));
    }
    await until(() => test.relay.health().agents === 0, { message: "the agent to be gone" });
    assert.equal(test.relay.health().in_hand, silent ? 1 : 0);
  });
}
