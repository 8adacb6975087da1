import assert from "node:assert/strict";
import { cleanEnvironment } from "./clean_environment.ts";

Deno.test("what lets an agent in is taken out of an environment, and so are colours", () => {
  const env = {
    HOME: "/root",
    NATS_URL: "nats://u:p@h",
    NATS_PASSWORD: "x",
    NATS_: "x",
    OUROCODUS_TOKEN: "x",
    OUROCODUS_TOKEN_FILE: "x",
    OUROCODUS_WORK_KEY: "1.1",
    OUROCODUS_MARK: "outer",
    FORCE_COLOR: "3",
    NO_COLOR: "",
    MY_NATS_URL: "mine",
    nats_url: "mine",
    FORCE_COLORS: "mine",
  };
  assert.deepEqual(cleanEnvironment(env), {
    HOME: "/root",
    NO_COLOR: "1",
    MY_NATS_URL: "mine",
    nats_url: "mine",
    FORCE_COLORS: "mine",
  });
  assert.equal(env.NATS_PASSWORD, "x");
});
