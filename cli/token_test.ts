import assert from "node:assert/strict";
import { exportPKCS8, exportSPKI, generateKeyPair } from "jose";
import { TokenVerifier } from "@ourocodus/edge";
import { cli } from "./testing/memory_console.ts";

const SECRET = "a-secret-of-these-tests";
const NO_HOME = "/nonexistent/home";

/** Runs `token create` where nothing else is known than this. */
async function create(
  args: readonly string[],
  env: Readonly<Record<string, string>> = { OUROCODUS_TOKEN: SECRET },
): Promise<{ code: number; out: string; err: string }> {
  const variables = { OUROCODUS_HOME: NO_HOME, ...env };
  const { code, stdout, stderr } = await cli(["token", "create", ...args], { env: variables });
  return { code, out: stdout, err: stderr };
}

Deno.test("token create prints the token alone, and it allows what was said", async () => {
  const args = ["--session", "docs", "--role", "writer", "--ttl", "2h", "--can", "agent"];
  const before = Date.now();
  const { out, err, code } = await create([...args, "--can", "read,send"]);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const verified = await (await TokenVerifier.create({ secret: SECRET })).verify(out.trim());
  assert.ok(verified.kind === "ok");
  const { can, session, role, expiresAt = 0 } = verified.access;
  assert.deepEqual([[...can], session, role], [["agent", "read", "send"], "docs", "writer"]);
  assert.ok(Math.abs(expiresAt - before - 7_200_000) < 60_000);
});

Deno.test("without session and role a token is for all, for an hour", async () => {
  const { out } = await create(["--can", "admin"]);
  const verified = await (await TokenVerifier.create({ secret: SECRET })).verify(out.trim());
  assert.ok(verified.kind === "ok");
  const { session, role, expiresAt = 0 } = verified.access;
  assert.deepEqual([session, role], [undefined, undefined]);
  assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 60_000);
});

Deno.test("with a private key, a token needs no secret", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const pair = await generateKeyPair("EdDSA", { extractable: true });
    const path = `${folder}/key.pem`;
    await Deno.writeTextFile(path, await exportPKCS8(pair.privateKey));
    const { out, code } = await create(["--can", "read", "--private-key", path], {});
    assert.equal(code, 0);
    const keys = await TokenVerifier.create({ publicKeyPem: await exportSPKI(pair.publicKey) });
    assert.equal((await keys.verify(out.trim())).kind, "ok");
    await Deno.writeTextFile(path, "nonsense");
    const wrong = await create(["--can", "read", "--private-key", path], {});
    assert.match(wrong.err, /the private key is no Ed25519 key/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the secret is that of the file, or of the system that was started", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/token`, `${SECRET}\n`);
    const keys = await TokenVerifier.create({ secret: SECRET });
    const places = [["OUROCODUS_TOKEN_FILE", `${folder}/token`], ["OUROCODUS_HOME", folder]];
    for (const place of places) {
      const { out, err } = await create(["--can", "read"], Object.fromEntries([place]));
      assert.equal((await keys.verify(out.trim())).kind, "ok", err);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const WRONG: readonly [readonly string[], RegExp][] = [
  [[], /--can is missing, allowed are agent, send, read, answer, admin/],
  [["--can", "root"], /--can is "root", allowed are agent, send, read, answer, admin/],
  [["--can", "read,"], /--can is "", allowed are/],
  [["--can", "read", "--session", "a.b"], /--session is "a\.b"/],
  [["--can", "read", "--role", ">"], /--role is ">"/],
  [["--can", "read", "--ttl", "soon"], /--ttl is "soon", it must be a duration/],
  [["--can", "read", "--ttl", "500ms"], /--ttl is "500ms", allowed is 1s to 366d/],
  [["--can", "read", "--ttl", "9999d"], /--ttl is "9999d", allowed is/],
  [["--can", "read", "--private-key", "/nope"], /--private-key cannot be read/],
];

for (const [args, why] of WRONG) {
  Deno.test(`token create ${args.join(" ")} is refused, with why`, async () => {
    const { out, err, code } = await create(args);
    assert.deepEqual([out, code], ["", 2]);
    assert.match(err, why);
  });
}

Deno.test("without a secret, or with a token in its place, no token is made", async () => {
  const none = await create(["--can", "read"], {});
  assert.equal(none.code, 2);
  assert.match(none.err, /There is no secret to make a token with: set OUROCODUS_TOKEN/);
  const { out } = await create(["--can", "admin"]);
  const token = await create(["--can", "read"], { OUROCODUS_TOKEN: out.trim() });
  assert.match(token.err, /OUROCODUS_TOKEN is a signed token/);
});
