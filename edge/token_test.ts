import assert from "node:assert/strict";
import { exportPKCS8, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { type Grant, signingKey } from "./token.ts";
import { readTokenKeys } from "./token_settings.ts";
import { createToken } from "./token_signer.ts";
import { TokenVerifier } from "./token_verifier.ts";

const SECRET = "the-secret-of-these-tests";
const NOW = Date.UTC(2026, 0, 1);
const AGENT: Grant = { can: ["agent"], session: "docs", role: "writer" };

async function verifier(now: () => number = () => NOW): Promise<TokenVerifier> {
  return await TokenVerifier.create({ secret: SECRET }, { now });
}

/** A token with the right key, whose claims can be wrong. */
async function signed(claims: Record<string, unknown>, key = signingKey(SECRET)): Promise<string> {
  const good = { aud: "ourocodus", exp: NOW / 1_000 + 60, scope: "read" };
  return await new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: "HS256" }).sign(key);
}

Deno.test("who has the secret may do everything, and nobody else without a signed token", async () => {
  const keys = await verifier();
  const all = await keys.verify(SECRET);
  assert.equal(all.kind, "ok");
  for (const wrong of ["", "x", `${SECRET}x`, SECRET.slice(1), SECRET.toUpperCase(), "eyJ"]) {
    assert.deepEqual(await keys.verify(wrong), {
      kind: "refused",
      reason: "the token is not known",
    });
  }
});

Deno.test("a token allows what it was made for, until it expires", async () => {
  let now = NOW;
  const keys = await verifier(() => now);
  const token = await createToken({ secret: SECRET }, AGENT, { ttlMs: 60_000, now: NOW });
  assert.deepEqual(await keys.verify(token), {
    kind: "ok",
    access: {
      can: new Set(["agent"]),
      session: "docs",
      role: "writer",
      expiresAt: NOW + 60_000,
    },
  });
  now += 59_000;
  assert.equal((await keys.verify(token)).kind, "ok");
  now += 1_000;
  assert.deepEqual(await keys.verify(token), {
    kind: "refused",
    reason: "the token has expired",
  });
});

Deno.test("no two tokens are the same, and one does not have the secret in it", async () => {
  const make = () => createToken({ secret: SECRET }, AGENT, { ttlMs: 60_000, now: NOW });
  const [one, other] = [await make(), await make()];
  assert.notEqual(one, other);
  const text = one.split(".").map((part) => atob(part.replace(/-/g, "+").replace(/_/g, "/")));
  assert.ok(!text.join().includes(SECRET));
});

Deno.test("a token that is signed with a private key is verified with its public key alone", async () => {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  const publicKeyPem = await exportSPKI(pair.publicKey);
  const privateKeyPem = await exportPKCS8(pair.privateKey);
  const token = await createToken({ privateKeyPem }, AGENT, { ttlMs: 60_000, now: NOW });
  const keys = await TokenVerifier.create({ publicKeyPem }, { now: () => NOW });
  assert.equal((await keys.verify(token)).kind, "ok");
  assert.equal((await (await verifier()).verify(token)).kind, "refused");
  const stranger = await generateKeyPair("EdDSA", { extractable: true });
  const foreign = await createToken(
    { privateKeyPem: await exportPKCS8(stranger.privateKey) },
    AGENT,
    {
      ttlMs: 60_000,
      now: NOW,
    },
  );
  assert.equal((await keys.verify(foreign)).kind, "refused");
  // Its public key is no secret: an HMAC made with it proves nothing.
  const forged = await signed({}, new TextEncoder().encode(publicKeyPem));
  assert.equal((await keys.verify(forged)).kind, "refused");
  assert.equal((await keys.verify(await signed({}, signingKey(publicKeyPem)))).kind, "refused");
});

Deno.test("a key that is none is refused by its setting's name", async () => {
  for (
    const publicKeyPem of [
      "",
      "nonsense",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ]
  ) {
    await assert.rejects(TokenVerifier.create({ publicKeyPem }), {
      name: "SettingError",
      message: /^OUROCODUS_TOKEN_PUBLIC_KEY is no Ed25519 key/,
    });
  }
});

const parts = (token: string) => token.split(".") as [string, string, string];
const json = (value: unknown) =>
  btoa(JSON.stringify(value)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** Tokens that are refused, and a part of why. */
const HOSTILE: Readonly<Record<string, [() => Promise<string> | string, RegExp]>> = {
  "without a signature, alg none": [
    () =>
      new UnsecuredJWT({ scope: "admin" }).setAudience("ourocodus").setExpirationTime("1h")
        .encode(),
    /form is wrong|algorithm/,
  ],
  "alg none, spelt otherwise": [
    () => `${json({ alg: "nOnE" })}.${json({ scope: "admin", exp: 9e9, aud: "ourocodus" })}.AA`,
    /algorithm/,
  ],
  "of the secret itself as key": [
    () => signed({}, new TextEncoder().encode(SECRET)),
    /signature/,
  ],
  "of another secret": [() => signed({}, signingKey("another")), /signature/],
  "with other claims under the signature": [
    async () => {
      const [head, , signature] = parts(await signed({}));
      return `${head}.${json({ scope: "admin", exp: 9e9, aud: "ourocodus" })}.${signature}`;
    },
    /signature/,
  ],
  "with half its signature": [async () => (await signed({})).slice(0, -20), /signature/],
  "with an algorithm of another family": [
    async () => {
      const pair = await generateKeyPair("ES256");
      return await new SignJWT({ scope: "read", exp: NOW / 1_000 + 60, aud: "ourocodus" })
        .setProtectedHeader({ alg: "ES256" }).sign(pair.privateKey);
    },
    /algorithm/,
  ],
  "that has expired": [() => signed({ exp: NOW / 1_000 }), /has expired/],
  "that is not valid yet": [() => signed({ nbf: NOW / 1_000 + 60 }), /not valid yet/],
  "that never expires": [() => signed({ exp: undefined }), /exp/],
  "that expires at infinity": [
    async () => {
      // JSON has no infinity, but a number that is read as one.
      const [head] = parts(await signed({}));
      const body = btoa('{"scope":"read","aud":"ourocodus","exp":1e999}').replace(/=+$/, "");
      const key = await crypto.subtle.importKey(
        "raw",
        new Uint8Array(signingKey(SECRET)),
        { name: "HMAC", hash: "SHA-256" },
        false,
        ["sign"],
      );
      const data = new TextEncoder().encode(`${head}.${body}`);
      const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
      const signature = btoa(String.fromCharCode(...mac)).replace(/\+/g, "-").replace(/\//g, "_");
      return `${head}.${body}.${signature.replace(/=+$/, "")}`;
    },
    /exp is no time/,
  ],
  "that expires at a word": [() => signed({ exp: "tomorrow" }), /exp/],
  "for another audience": [() => signed({ aud: "somebody-else" }), /audience/],
  "for no audience": [() => signed({ aud: undefined }), /audience|aud/],
  "without a scope": [() => signed({ scope: undefined }), /scope is no text/],
  "with a scope that is a list": [() => signed({ scope: ["admin"] }), /scope is no text/],
  "with an unknown scope": [() => signed({ scope: "root Admin ADMIN" }), /scope names none/],
  "for a session that is a wildcard": [() => signed({ session: "*" }), /session is no name/],
  "for a session that is a number": [() => signed({ session: 1 }), /session is no name/],
  "for a session that is null": [() => signed({ session: null }), /session is no name/],
  "for an empty role": [() => signed({ role: "" }), /role is no name/],
  "for a role that is an object": [() => signed({ role: {} }), /role is no name/],
  "that is huge": [() => signed({ padding: "x".repeat(10_000) }), /limit is 4096/],
  "that is nothing but dots": [() => "eyJ..", /not known/],
};

for (const [name, [make, why]] of Object.entries(HOSTILE)) {
  Deno.test(`a token ${name} is refused`, async () => {
    const token = await make();
    const verified = await (await verifier()).verify(token);
    assert.equal(verified.kind, "refused");
    assert.match(verified.kind === "refused" ? verified.reason : "", why);
    assert.ok(verified.kind === "refused" && !verified.reason.includes(token), "it is not shown");
  });
}

Deno.test({
  name: "a secret's file that the program may not make is to be made by hand",
  permissions: { read: true },
  fn: async () => {
    const made = readTokenKeys({ secretFile: "/no/such/token" }, { make: true });
    await assert.rejects(
      made,
      /OUROCODUS_TOKEN_FILE is "\/no\/such\/token", which is not there, .*openssl/,
    );
  },
});
