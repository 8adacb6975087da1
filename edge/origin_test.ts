import assert from "node:assert/strict";
import { isForeignOrigin } from "./origin.ts";

function request(origin?: string): Request {
  return new Request("http://localhost:8080/agent", { headers: origin ? { origin } : {} });
}

Deno.test("a request without an origin, or with the relay's own, is not foreign", () => {
  assert.equal(isForeignOrigin(request()), false);
  assert.equal(isForeignOrigin(request("http://localhost:8080")), false);
});

Deno.test("a page of another host, another port or of none is foreign", () => {
  for (const origin of ["http://evil.example", "http://localhost:9000", "null", "nonsense"]) {
    assert.equal(isForeignOrigin(request(origin)), true, origin);
  }
});

Deno.test("an allowed origin is not foreign, nor is any where all are allowed", () => {
  const allowed = ["https://monitor.example"];
  assert.equal(isForeignOrigin(request("https://monitor.example"), allowed), false);
  assert.equal(isForeignOrigin(request("http://monitor.example"), allowed), true);
  assert.equal(isForeignOrigin(request("null"), ["*"]), false);
});
