import assert from "node:assert/strict";
import { natsSettings } from "./nats_settings.ts";
import { streamSettings } from "./streams.ts";

const env = (variables: Record<string, string>) => new Map(Object.entries(variables));

Deno.test("the settings of NATS have the names that its own tools use", () => {
  assert.deepEqual(
    natsSettings(env({
      NATS_URL: "tls://a,b",
      NATS_CONNECT_TIMEOUT: "2s",
      NATS_TOKEN: "t",
      NATS_USER: "u",
      NATS_PASSWORD: "p",
      NATS_CREDS: "a.creds",
      NATS_CA: "ca.pem",
      NATS_CERT: "cert.pem",
      NATS_KEY: "key.pem",
      NATS_INBOX_PREFIX: "_INBOX_u",
    })),
    {
      url: "tls://a,b",
      timeoutMs: 2_000,
      token: "t",
      user: "u",
      password: "p",
      credsFile: "a.creds",
      caFile: "ca.pem",
      certFile: "cert.pem",
      keyFile: "key.pem",
      inboxPrefix: "_INBOX_u",
    },
  );
  for (const prefix of [">", "a.*", "a b", ".a"]) {
    assert.throws(
      () => natsSettings(env({ NATS_INBOX_PREFIX: prefix })),
      /^SettingError: NATS_INBOX_PREFIX is "/,
    );
  }
  assert.equal(natsSettings(env({})).timeoutMs, 5_000);
  assert.throws(
    () => natsSettings(env({ NATS_CONNECT_TIMEOUT: "1ms" })),
    /NATS_CONNECT_TIMEOUT is "1ms", allowed is 100 to 600000 ms/,
  );
});

Deno.test("stream limits that are unset or blank are left as the stream has them", () => {
  const nothing = {
    logMaxAgeMs: undefined,
    logMaxBytes: undefined,
    workMaxBytes: undefined,
    replicas: undefined,
  };
  assert.deepEqual(streamSettings(env({})), nothing);
  const blank = env({
    OUROCODUS_LOG_MAX_AGE: " ",
    OUROCODUS_LOG_MAX_BYTES: " ",
    OUROCODUS_WORK_MAX_BYTES: "\t",
    OUROCODUS_REPLICAS: "",
  });
  assert.deepEqual(streamSettings(blank), nothing);
  assert.deepEqual(
    streamSettings(env({
      OUROCODUS_LOG_MAX_AGE: "1h",
      OUROCODUS_LOG_MAX_BYTES: "10MB",
      OUROCODUS_WORK_MAX_BYTES: "-1",
      OUROCODUS_REPLICAS: "3",
    })),
    { logMaxAgeMs: 3_600_000, logMaxBytes: 10_485_760, workMaxBytes: -1, replicas: 3 },
  );
  assert.throws(
    () => streamSettings(env({ OUROCODUS_REPLICAS: "6" })),
    /OUROCODUS_REPLICAS is "6", allowed is 1 to 5/,
  );
});
