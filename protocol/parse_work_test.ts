import assert from "node:assert/strict";
import { parseWork } from "./parse_work.ts";

const work = (type: string) => JSON.stringify({ id: "1", type, payload: {} });

Deno.test("work may have any type but the protocol's own", () => {
  for (const type of ["work", "result", "agent", "relay", "agents.x", "x.agent.y", "Agent.x"]) {
    assert.equal(parseWork(work(type)).kind, "ok", type);
  }
  for (const type of ["relay.cancel", "relay.", "agent.ask", "agent."]) {
    assert.deepEqual(parseWork(work(type)), {
      kind: "invalid",
      reason: `message type is "${type}", types that begin with relay. or agent. are reserved`,
      id: "1",
    });
  }
});

Deno.test("work that is no message has the message's reason", () => {
  assert.match(JSON.stringify(parseWork("[]")), /"kind":"invalid"/);
});
