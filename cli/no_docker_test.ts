import assert from "node:assert/strict";
import { TestSystem } from "./testing/test_system.ts";

Deno.test("without a Docker daemon it is said how to go on", async () => {
  await using system = await TestSystem.create();
  const { code, stderr } = await system.run(["start", "--docker"], {
    DOCKER_HOST: "unix:///no/such.sock",
    DOCKER_CONTEXT: "",
  });
  assert.equal(code, 1);
  assert.match(stderr, /^error: No Docker daemon answers at unix:\/\/\/no\/such\.sock: /);
  assert.match(stderr, /"ourocodus agent start --process"\n$/);
  const agent = await system.run([
    ...["agent", "start", "--docker", "--session", "s", "--role", "r"],
  ]);
  assert.equal(agent.code, 1);
  assert.match(agent.stderr, /^error: No system was started in Docker from /);
});
