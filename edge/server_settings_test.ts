import assert from "node:assert/strict";
import { serverSettings } from "./server_settings.ts";

const read = (variables: Record<string, string>) =>
  serverSettings(new Map(Object.entries(variables)), { port: 8080 });

Deno.test("without a token a server listens where others cannot reach it, and nowhere else", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"]) {
    assert.equal(read({ HOST: host }).host, host);
  }
  for (const host of ["0.0.0.0", "::", "192.168.1.2", "relay.example", "127.0.0.1.example"]) {
    assert.throws(() => read({ HOST: host }), (error: Error) => {
      assert.equal(error.name, "SettingError");
      assert.ok(error.message.startsWith(`HOST is "${host}", which others`), error.message);
      for (const way of ["OUROCODUS_TOKEN", "HOST=127.0.0.1", "OUROCODUS_INSECURE=1"]) {
        assert.ok(error.message.includes(way), way);
      }
      return true;
    });
  }
});

Deno.test("with a token, a key, or where it is said that others may come in, it listens anywhere", () => {
  const ways: Record<string, string>[] = [
    { OUROCODUS_TOKEN: "a-secret" },
    { OUROCODUS_TOKEN_FILE: "/somewhere" },
    { OUROCODUS_TOKEN_PUBLIC_KEY: "key.pem" },
    { OUROCODUS_INSECURE: "1" },
  ];
  for (const way of ways) assert.equal(read({ HOST: "0.0.0.0", ...way }).host, "0.0.0.0");
  assert.throws(() => read({ HOST: "0.0.0.0", OUROCODUS_INSECURE: "0" }));
});

Deno.test("certificate and key go together", () => {
  assert.throws(() => read({ TLS_CERT: "c" }), /TLS_CERT is set and TLS_KEY is not/);
  assert.throws(() => read({ TLS_KEY: "k" }), /TLS_KEY is set and TLS_CERT is not/);
});

Deno.test("a secret that no header can carry, that is a token or that is endless is refused", () => {
  const token = "eyJhbGciOiJIUzI1NiJ9.eyJzY29wZSI6ImFnZW50In0.c2ln";
  const wrong: [string, RegExp][] = [
    ["two words", /must be of printable ASCII characters/],
    ["sécret", /must be of printable ASCII characters/],
    [token, /OUROCODUS_TOKEN is a signed token/],
    ["x".repeat(5_000), /has 5000 characters, limit is 4096/],
  ];
  for (const [secret, why] of wrong) {
    assert.throws(() => read({ OUROCODUS_TOKEN: secret }), (error: Error) => {
      assert.match(error.message, why);
      assert.ok(!error.message.includes(secret), "it is not shown");
      return true;
    });
  }
});
