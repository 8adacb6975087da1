/** TLS everywhere, with certificates of an authority of our own: relay, API, agents, NATS. */
import assert from "node:assert/strict";
import {
  freePort,
  ROOT,
  runCli,
  runProcess,
  startEchoAgent,
  startNats,
  startProcess,
  type TestProcess,
  until,
} from "./support/mod.ts";

interface Certificates extends AsyncDisposable {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

async function openssl(...args: string[]): Promise<void> {
  const { code, stderr } = await runProcess("openssl", args);
  if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

/** An authority, and what it has signed for this machine and for a client. */
async function certificates(): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-tls-" });
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const ca = ["-CA", `${folder}/ca.pem`, "-CAkey", `${folder}/ca.key`];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const usage = "extendedKeyUsage=serverAuth,clientAuth";
  await openssl(
    ...["req", "-x509", ...ec, "-subj", "/CN=test authority", "-days", "2"],
    ...["-keyout", `${folder}/ca.key`, "-out", `${folder}/ca.pem`],
  );
  for (const name of ["server", "client"]) {
    await openssl(
      ...["req", ...ec, "-subj", `/CN=${name}`, "-keyout", `${folder}/${name}.key`],
      ...["-out", `${folder}/${name}.csr`],
    );
    await Deno.writeTextFile(`${folder}/ext`, `${names}\n${usage}\n`);
    await openssl(
      ...["x509", "-req", "-in", `${folder}/${name}.csr`, ...ca, "-CAcreateserial", "-days", "2"],
      ...["-extfile", `${folder}/ext`, "-out", `${folder}/${name}.pem`],
    );
  }
  return {
    ca: `${folder}/ca.pem`,
    cert: `${folder}/server.pem`,
    key: `${folder}/server.key`,
    clientCert: `${folder}/client.pem`,
    clientKey: `${folder}/client.key`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function run(script: string, args: readonly string[] = []): string[] {
  return ["run", "-q", "-A", `${ROOT}/${script}`, ...args];
}

/** Waits until a server says of itself, with --health-check, that it is healthy. */
async function untilHealthy(script: string, env: Record<string, string>, server: TestProcess) {
  await until(async () => {
    if (server.ended) throw server.failure("ended");
    const check = await runProcess(Deno.execPath(), run(script, ["--health-check"]), { env });
    return check.code === 0;
  }, { timeoutMs: 30_000, message: `${script} to say that it is healthy` });
}

Deno.test("work goes from the command line to an agent and back with TLS on every way", async () => {
  await using files = await certificates();
  // NATS asks for a client's certificate, too.
  const config = `tls { cert_file: "${files.cert}", key_file: "${files.key}", ` +
    `ca_file: "${files.ca}", verify: true }`;
  await using nats = await startNats({ config });
  const natsUrl = nats.url.replace("nats://127.0.0.1", "tls://localhost");
  const port = freePort();
  const env = {
    ...{ NATS_URL: natsUrl, NATS_CA: files.ca, HOST: "127.0.0.1", PORT: String(port) },
    ...{ NATS_CERT: files.clientCert, NATS_KEY: files.clientKey },
    ...{ TLS_CERT: files.cert, TLS_KEY: files.key, OUROCODUS_HOME: "/nonexistent" },
  };
  const deno = Deno.execPath();
  await using relay = startProcess(deno, run("relay/main.ts"), { env });
  await untilHealthy("relay/main.ts", env, relay);
  assert.match(relay.stderr, /relay listens on wss:\/\/127\.0\.0\.1/);
  const apiEnv = { ...env, PORT: String(freePort()) };
  await using api = startProcess(deno, run("api/main.ts"), { env: apiEnv });
  await untilHealthy("api/main.ts", apiEnv, api);

  const place = { relayUrl: `wss://localhost:${port}`, session: "s", role: "r" };
  await using agent = startEchoAgent({ ...place, env: { RELAY_CA: files.ca } });
  const send = ["send", "work", "--session", "s", "--role", "r", "--message", "hi", "--wait"];
  const sent = await runCli(send, { natsUrl, env });
  assert.equal(sent.code, 0, sent.stderr + agent.stderr);

  const caCerts = [await Deno.readTextFile(files.ca)];
  using client = Deno.createHttpClient({ caCerts });
  await until(async () => {
    const answer = await fetch(`https://localhost:${apiEnv.PORT}/api/agents`, { client });
    return (await answer.json()).agents.length === 1;
  }, { message: "the API to tell of the agent" });

  // A client that does not know the authority does not come in, nor one that speaks no TLS.
  await using stranger = startEchoAgent(place);
  await until(() => /certificate|UnknownIssuer/i.test(stranger.stderr), {
    timeoutMs: 20_000,
    message: "an agent that trusts nobody to say so",
  });
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health`));
  for (const lack of ["NATS_CA", "NATS_CERT"]) {
    const without = { ...env, [lack]: "", ...(lack === "NATS_CERT" && { NATS_KEY: "" }) };
    const refused = await runCli(["tail", "results", "--session", "s", "--no-follow"], {
      natsUrl,
      env: { ...without, NATS_CONNECT_TIMEOUT: "3s" },
    });
    assert.equal(refused.code, 1, `without ${lack}`);
    assert.match(refused.stderr, /Cannot connect to NATS/);
  }
});

Deno.test("an agent that is refused over TLS is told why, and ends", async () => {
  await using files = await certificates();
  await using nats = await startNats();
  const port = freePort();
  const env = {
    ...{ NATS_URL: nats.url, PORT: String(port), OUROCODUS_TOKEN: "the-secret-of-this-relay" },
    ...{ TLS_CERT: files.cert, TLS_KEY: files.key },
  };
  await using relay = startProcess(Deno.execPath(), run("relay/main.ts"), { env });
  await untilHealthy("relay/main.ts", env, relay);
  const place = { relayUrl: `wss://localhost:${port}`, session: "s", role: "r" };
  for (const token of ["", "not-the-secret-of-this-relay"]) {
    const agentEnv = { RELAY_CA: files.ca, OUROCODUS_TOKEN: token };
    await using agent = startEchoAgent({ ...place, env: agentEnv });
    await until(() => agent.ended, { timeoutMs: 20_000, message: "a refused agent to end" });
    assert.equal((await agent.status).code, 1, agent.stderr);
    assert.match(agent.stderr, /^error: Cannot connect to wss:.*: 401 .*token/m);
  }
});

Deno.test("a certificate or key that cannot be used is told by its setting's name", async () => {
  await using files = await certificates();
  await using nats = await startNats();
  const wrong: [Record<string, string>, RegExp][] = [
    [{ TLS_CERT: "/no/such/file", TLS_KEY: files.key }, /TLS_CERT is "\/no\/such\/file", which/],
    [
      { TLS_CERT: files.key, TLS_KEY: files.key },
      /TLS_CERT \(".*"\) and TLS_KEY .* cannot be used/,
    ],
    [{ TLS_CERT: files.cert, TLS_KEY: files.cert }, /TLS_CERT .* cannot be used/],
    [{ TLS_CERT: files.cert }, /TLS_CERT is set and TLS_KEY is not/],
  ];
  for (const [tls, why] of wrong) {
    for (const script of ["relay/main.ts", "api/main.ts"]) {
      const env = { NATS_URL: nats.url, PORT: "0", OUROCODUS_HOME: "/nonexistent", ...tls };
      const { code, stderr } = await runProcess(Deno.execPath(), run(script), { env });
      assert.equal(code, 1, script);
      assert.match(stderr, why, script);
    }
  }
});
