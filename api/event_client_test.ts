import assert from "node:assert/strict";
import { type ClientHub, EventClient } from "./event_client.ts";
import type { EventFilter } from "./event_filter.ts";

Deno.test("a stream that cannot go on gives its place back", async () => {
  const ended: EventClient[] = [];
  const hub = {
    get now(): number {
      throw new Error("a bug");
    },
    onEnd: (client: EventClient) => ended.push(client),
  };
  const client = new EventClient(hub as unknown as ClientHub, { filter: {} as EventFilter });
  const reader = client.stream().getReader();
  await assert.rejects(
    (async () => {
      while (!(await reader.read()).done);
    })(),
    { message: "a bug" },
  );
  assert.deepEqual(ended, [client]);
});
