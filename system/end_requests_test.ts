import assert from "node:assert/strict";
import { EndRequests } from "./end_requests.ts";

Deno.test("the first signal ends in order, a later one at once", () => {
  const requests = new EndRequests();
  assert.equal(requests.any, false);
  assert.equal(requests.heard("SIGINT", 1_000), "end");
  assert.equal(requests.heard("SIGINT", 1_001), undefined, "deno task sends it twice");
  assert.equal(requests.heard("SIGINT", 2_000), "now");
  assert.equal(requests.any, true);
});

Deno.test("a closed terminal, which is heard of twice, hurries nobody", () => {
  const requests = new EndRequests();
  assert.equal(requests.heard("SIGHUP", 0), "end");
  assert.equal(requests.heard("SIGHUP", 5_000), undefined);
  assert.equal(requests.heard("SIGTERM", 5_001), "now");
});
