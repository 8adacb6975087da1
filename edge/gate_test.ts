import assert from "node:assert/strict";
import { Gate } from "./gate.ts";
import { readTokenKeys } from "./token_settings.ts";

const gate = new Gate({ allowedHosts: ["relay", "proxy.example:8443"], maxHeaderBytes: 1_024 });

const request = (url: string, headers: Record<string, string> = {}) =>
  new Request(url, { headers });

Deno.test("addresses, localhost and names that are allowed are ours", () => {
  for (
    const host of [
      ...["127.0.0.1:8080", "192.168.1.2", "[::1]:8080", "localhost", "LOCALHOST:1", "a.localhost"],
      ...["localhost.", "relay", "relay:9", "RELAY", "proxy.example:8443"],
    ]
  ) assert.equal(gate.checkHead(request(`http://${host}/`)), undefined, host);
});

Deno.test("a page whose name was made to point here is not: its name stands in Host", () => {
  for (
    const host of [
      ...["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "relay.evil.example"],
      ...["proxy.example", "proxy.example:1", "notlocalhost"],
    ]
  ) {
    const refused = gate.checkHead(request(`http://${host}/`));
    assert.equal(refused?.kind, "foreign_host", host);
    assert.match(refused?.detail ?? "", /^Host is ".*"; ALLOWED_HOSTS may name it$/);
  }
  const any = new Gate({ allowedHosts: ["*"] });
  assert.equal(any.checkHead(request("http://evil.example/")), undefined);
});

Deno.test("URL and headers together have a limit, which is told", () => {
  assert.equal(gate.checkHead(request("http://localhost/", { a: "x".repeat(900) })), undefined);
  for (
    const large of [
      request(`http://localhost/${"x".repeat(1_024)}`),
      request("http://localhost/", { a: "x".repeat(1_024) }),
      request(
        "http://localhost/",
        Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`header-${number}`, "x"])),
      ),
    ]
  ) {
    const refused = gate.checkHead(large);
    assert.equal(refused?.kind, "head_too_large");
    assert.match(refused?.detail ?? "", /are \d+ bytes, limit is 1024 \(MAX_HEADER_BYTES\)/);
  }
});

Deno.test("a file for the secret is made once, by the first that comes, for its owner alone", async () => {
  const folder = await Deno.makeTempDir();
  const secretFile = `${folder}/token`;
  try {
    await assert.rejects(
      readTokenKeys({ secretFile }),
      /OUROCODUS_TOKEN_FILE is ".*cannot be read/,
    );
    const made = await Promise.all(
      Array.from({ length: 10 }, () => readTokenKeys({ secretFile }, { make: true })),
    );
    assert.equal(new Set(made.map(({ secret }) => secret)).size, 1);
    assert.match(made[0]?.secret ?? "", /^[\w-]{43}$/);
    assert.equal(((await Deno.stat(secretFile)).mode ?? 0) & 0o777, 0o600);
    const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.deepEqual(files, ["token"], "nothing else is left");
    await Deno.writeTextFile(secretFile, "\n");
    await assert.rejects(readTokenKeys({ secretFile }, { make: true }), /which is empty/);
    const nowhere = { secretFile: `${folder}/no/such/token` };
    await assert.rejects(readTokenKeys(nowhere, { make: true }), /cannot be made/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
