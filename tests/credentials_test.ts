/** A nats-server that knows its users by an operator's signature, and `.creds` files. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { nkeys } from "@nats-io/nats-core";
import { runCli, startEchoAgent, startNats, startRelay } from "./support/mod.ts";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A claim of NATS' (JWT with the algorithm ed25519-nkey). */
function claim(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const base64 = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  const body = { iat: Math.floor(Date.now() / 1_000), iss: issuer.getPublicKey(), name };
  const claims = { ...body, sub: subject.getPublicKey(), nats: { version: 2, ...nats } };
  const jti = createHash("sha256").update(JSON.stringify(claims)).digest("hex");
  const text = `${base64({ typ: "JWT", alg: "ed25519-nkey" })}.${base64({ ...claims, jti })}`
    .replaceAll("+", "-").replaceAll("/", "_");
  const signature = String.fromCharCode(...issuer.sign(new TextEncoder().encode(text)));
  const encoded = btoa(signature).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${text}.${encoded}`;
}

function credentials(jwt: string, user: KeyPair): string {
  const seed = new TextDecoder().decode(user.getSeed());
  return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n` +
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

const UNLIMITED = {
  ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1 },
  ...{ leaf: -1, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
};

Deno.test("relay and command line come in with .creds files, and nobody without, or with a stranger's", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-creds-" });
  try {
    const operator = nkeys.createOperator();
    const [system, account, foreign] = [1, 2, 3].map(() => nkeys.createAccount()) as [
      KeyPair,
      KeyPair,
      KeyPair,
    ];
    const accountOf = (who: KeyPair, name: string, limits: object) =>
      claim(operator, who, name, { type: "account", limits });
    const { mem_storage: _, disk_storage: __, ...noStorage } = UNLIMITED;
    const config = `
      operator: ${claim(operator, operator, "O", { type: "operator" })}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: {
        ${system.getPublicKey()}: ${accountOf(system, "SYS", noStorage)}
        ${account.getPublicKey()}: ${accountOf(account, "A", UNLIMITED)}
      }`;
    await using nats = await startNats({ config });
    const write = async (name: string, by: KeyPair) => {
      const user = nkeys.createUser();
      const limits = { subs: -1, data: -1, payload: -1 };
      const path = `${folder}/${name}.creds`;
      const jwt = claim(by, user, name, { type: "user", ...limits, pub: {}, sub: {} });
      await Deno.writeTextFile(path, credentials(jwt, user));
      return path;
    };
    const good = await write("good", account);
    const bad = await write("bad", foreign);
    await using relay = await startRelay({ natsUrl: nats.url, env: { NATS_CREDS: good } });
    await using _agent = startEchoAgent({ relayUrl: relay.url, session: "s", role: "r" });
    const send = ["send", "work", "--session", "s", "--role", "r", "--message", "x", "--wait"];
    const sent = await runCli(send, { natsUrl: nats.url, env: { NATS_CREDS: good } });
    assert.equal(sent.code, 0, sent.stderr);
    for (const env of [{ NATS_CREDS: bad }, { NATS_CREDS: "" }]) {
      const refused = await runCli(send, { natsUrl: nats.url, env });
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /Cannot connect to NATS at .*: .*[Aa]uthorization/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
