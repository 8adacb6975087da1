import assert from "node:assert/strict";
import { DEFAULT_LIMITS, relaySettings } from "./settings.ts";

const env = (variables: Record<string, string>) => new Map(Object.entries(variables));

Deno.test("without any variable a relay has its documented settings", () => {
  const { server, connections, logLevel, drainMs, limits, nats } = relaySettings(env({}));
  const { host, port, tls, allowedHosts } = server;
  assert.deepEqual([host, port, logLevel, drainMs], ["127.0.0.1", 8080, "info", 25_000]);
  assert.deepEqual([tls, allowedHosts], [undefined, ["127.0.0.1"]]);
  assert.deepEqual(connections, {
    maxAgents: 20_000,
    maxSessionAgents: 20_000,
    maxFramesPerSecond: 50_000,
    maxUnreadBytesInAll: 2 ** 30,
  });
  assert.deepEqual(limits, DEFAULT_LIMITS);
  assert.equal(nats.name, "ourocodus-relay");
});

Deno.test("every variable has its effect", () => {
  const settings = relaySettings(env({
    HOST: "0.0.0.0",
    OUROCODUS_TOKEN: "a-secret-of-this-test",
    TLS_CERT: "cert.pem",
    TLS_KEY: "key.pem",
    ALLOWED_ORIGINS: "https://a, https://b",
    ALLOWED_HOSTS: "relay",
    MAX_HEADER_BYTES: "32KB",
    MAX_AGENTS: "9",
    MAX_SESSION_AGENTS: "3",
    MAX_FRAMES_PER_SECOND: "7",
    MAX_UNREAD_BYTES_IN_ALL: "5MB",
    PORT: "0",
    LOG_LEVEL: "warn",
    DRAIN_SECONDS: "0",
    ACK_WAIT_SECONDS: "500ms",
    LEASE_GRACE_SECONDS: "2",
    MAX_DELIVER: "1",
    SUSPEND_AFTER: "7",
    MAX_ATTEMPT_DURATION: "1d",
    NO_PROGRESS_AFTER: "30m",
    MAX_HELD_BYTES: "1MB",
    MAX_UNREAD_BYTES: "2MB",
    MAX_FRAME_BYTES: "64KB",
    NATS_URL: "nats://a",
    OUROCODUS_REPLICAS: "3",
  }));
  assert.deepEqual(
    [settings.logLevel, settings.drainMs],
    ["warning", 0],
  );
  assert.deepEqual(settings.server, {
    host: "0.0.0.0",
    port: 0,
    tls: { certFile: "cert.pem", keyFile: "key.pem" },
    tokens: { secret: "a-secret-of-this-test", secretFile: undefined, publicKey: undefined },
    insecure: false,
    allowedOrigins: ["https://a", "https://b"],
    allowedHosts: ["0.0.0.0", "relay"],
    maxHeaderBytes: 2 ** 15,
  });
  assert.deepEqual(settings.connections, {
    maxAgents: 9,
    maxSessionAgents: 3,
    maxFramesPerSecond: 7,
    maxUnreadBytesInAll: 5 * 2 ** 20,
  });
  assert.deepEqual(settings.limits, {
    ackWaitMs: 500,
    graceMs: 2_000,
    maxDeliver: 1,
    suspendAfter: 7,
    maxAttemptMs: 86_400_000,
    noProgressMs: 1_800_000,
    maxHeldBytes: 2 ** 20,
    maxUnreadBytes: 2 ** 21,
    maxFrameBytes: 2 ** 16,
  });
  assert.deepEqual([settings.nats.url, settings.streams.replicas], ["nats://a", 3]);
});

Deno.test("a value that cannot be used is refused by its variable's name", () => {
  const bad: Record<string, string> = {
    PORT: "65536",
    LOG_LEVEL: "loud",
    DRAIN_SECONDS: "-1",
    ACK_WAIT_SECONDS: "0.1",
    LEASE_GRACE_SECONDS: "2d",
    MAX_DELIVER: "0",
    MAX_HELD_BYTES: "1",
    MAX_UNREAD_BYTES: "many",
    MAX_FRAME_BYTES: "-1",
    MAX_AGENTS: "0",
    MAX_SESSION_AGENTS: "some",
    MAX_FRAMES_PER_SECOND: "0.5",
    MAX_UNREAD_BYTES_IN_ALL: "1KB",
    MAX_HEADER_BYTES: "1",
    OUROCODUS_INSECURE: "maybe",
    NATS_CONNECT_TIMEOUT: "never",
    OUROCODUS_LOG_MAX_AGE: "1ms",
  };
  for (const [name, value] of Object.entries(bad)) {
    assert.throws(() => relaySettings(env({ [name]: value })), {
      name: "SettingError",
      message: new RegExp(`^${name} is "${value}", `),
    });
  }
});
