import assert from "node:assert/strict";
import { isAtLeast } from "./nats_versions.ts";

Deno.test("versions compare by their numbers", () => {
  for (const version of ["2.12.0", "2.12.15", "2.14.5", "2.12.0-RC.1", "3.0.0", "10.0.0"]) {
    assert.equal(isAtLeast(version), true, version);
  }
  for (const version of ["2.11.99", "2.9.10", "2.2.12", "1.14.5", "0.9.0"]) {
    assert.equal(isAtLeast(version), false, version);
  }
  assert.equal(isAtLeast("2.12.8", "2.12.9"), false);
});
