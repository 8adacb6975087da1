import assert from "node:assert/strict";
import { freePort, runProcess, startNats, startProxy, until } from "../tests/support/mod.ts";
import { connect, type Connection, type ConnectOptions } from "./connection.ts";
import { ConnectError } from "./nats_errors.ts";

const SECRET = "s3cr3t/pa:ss,w@rd%";

/** The message with which connecting fails. It never has a secret in it, nor does its cause. */
async function failure(options: ConnectOptions): Promise<string> {
  try {
    await using connection = await connect({ timeoutMs: 1_000, ...options });
    assert.fail(`connected to ${connection.url}`);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const shown = `${error.message} ${error.stack} ${Deno.inspect(error.cause)}`;
    for (const secret of [SECRET, encodeURIComponent(SECRET), "s3cr3t", "w@rd", "w%40rd"]) {
      assert.ok(!shown.includes(secret), shown);
    }
    return error.message;
  }
}

Deno.test("no server is an error that names the URL without its credentials", async () => {
  const port = freePort();
  assert.match(
    await failure({ url: `nats://user:${encodeURIComponent(SECRET)}@127.0.0.1:${port}` }),
    new RegExp(`^Cannot connect to NATS at nats://127\\.0\\.0\\.1:${port}: \\S`),
  );
  assert.match(
    await failure({ url: `127.0.0.1:${port}, nats://s3cr3t@127.0.0.1:${freePort()}` }),
    new RegExp(`at nats://127\\.0\\.0\\.1:${port},nats://127\\.0\\.0\\.1:\\d+: `),
  );
});

Deno.test("a URL that is none is an error that shows no part of a password", async () => {
  assert.equal(
    await failure({ url: "http://localhost:4222" }),
    'NATS URL is "http://localhost:4222": scheme is "http", allowed are nats, tls',
  );
  assert.equal(await failure({ url: " , " }), "NATS URL is empty, like nats://localhost:4222");
  for (
    const url of [
      `ws://user:${SECRET}@host`,
      `nats://user:${SECRET}@:1`,
      `user:${SECRET}@:4222`,
      `nats://user:${SECRET}@host:99999`,
      `nats://user:${SECRET}@host:port`,
      `nats://a,http://user:${SECRET}@b`,
      `${SECRET}@`,
    ]
  ) {
    assert.match(await failure({ url }), /^NATS URL is "[^"]*": /);
  }
});

Deno.test("connecting to a server that never speaks ends in time", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  assert.match(
    await failure({ url: `127.0.0.1:${listener.addr.port}`, timeoutMs: 200 }),
    /^Cannot connect to NATS at nats:\/\/127\.0\.0\.1:\d+: /,
  );
  listener.close();
  await accepting;
  for (const connection of accepted) connection.close();
});

Deno.test("of several servers, one that is away or never speaks does not hide the others", async () => {
  await using nats = await startNats();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const other of [freePort(), silent.addr.port]) {
    await using connection = await connect({
      url: `127.0.0.1:${other},${nats.url}`,
      timeoutMs: 1_000,
    });
    assert.ok(connection.connected);
    assert.equal(connection.nats.info?.port, nats.port);
  }
});

Deno.test("a user and password enter from the URL or by themselves, wrong ones are refused", async () => {
  await using nats = await startNats({
    config: `authorization { user: "us%er", password: "${SECRET}" }`,
  });
  const [user, password] = ["us%er", SECRET];
  const inUrl = `nats://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1`;
  for (
    const options of [
      { url: `${inUrl}:${nats.port}` },
      { url: nats.url, user, password },
      {
        url: `nats://wrong:${password}@127.0.0.1:${nats.port}`.replace(SECRET, "x"),
        user,
        password,
      },
    ]
  ) {
    await using connection = await connect(options);
    assert.equal(connection.url, nats.url);
  }
  for (
    const options of [
      { url: nats.url },
      { url: nats.url, user, password: "s3cr3t" },
      { url: `nats://user:s3cr3t@127.0.0.1:${nats.port}` },
      { url: nats.url, token: "s3cr3t" },
    ]
  ) {
    assert.match(await failure(options), /^Cannot connect to NATS at .*: .*authorization/i);
  }
});

Deno.test("a percent sign that encodes nothing in a URL is meant as it stands", async () => {
  await using nats = await startNats({ config: 'authorization { user: "u", password: "50%" }' });
  await using connection = await connect({ url: `nats://u:50%@127.0.0.1:${nats.port}` });
  assert.ok(connection.connected);
});

Deno.test("a token enters from the URL or by itself, a wrong one is refused", async () => {
  await using nats = await startNats({ config: 'authorization { token: "s3cr3t-token" }' });
  for (
    const options of [
      { url: `nats://s3cr3t-token@127.0.0.1:${nats.port}` },
      { url: nats.url, token: "s3cr3t-token" },
    ]
  ) {
    await using connection = await connect(options);
    assert.equal(connection.url, nats.url);
  }
  assert.match(await failure({ url: nats.url, token: "s3cr3t" }), /authorization/i);
});

Deno.test("a credentials file that cannot be read is an error that names it", async () => {
  assert.match(
    await failure({ credsFile: "/nowhere/x.creds" }),
    /^Cannot read credentials from "\/nowhere\/x\.creds": /,
  );
});

Deno.test("a server with a certificate of one's own authority is entered with that authority alone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-tls-" });
  try {
    const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
    const made = await runProcess("openssl", [
      ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(" "),
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
    ]);
    assert.equal(made.code, 0, made.stderr);
    await using nats = await startNats({
      config: `tls { cert_file: "${cert}", key_file: "${key}" }`,
    });
    const url = `tls://localhost:${nats.port}`;
    await using connection = await connect({ url, caFile: cert });
    assert.equal(connection.url, url);
    await using implied = await connect({ url: `localhost:${nats.port}`, caFile: cert });
    assert.ok(implied.connected);
    // By its address: of a name's several addresses that fail, only the last one's error is told.
    const address = `tls://127.0.0.1:${nats.port}`;
    assert.match(
      await failure({ url: address }),
      new RegExp(`^Cannot connect to NATS at ${address}: .*cert`, "i"),
    );
    assert.match(
      await failure({ url: address, caFile: `${folder}/none.pem` }),
      /^Cannot connect to NATS at .*none\.pem/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A connection, and what its listener heard. */
async function listening(url: string): Promise<{ connection: Connection; heard: string[] }> {
  const connection = await connect({ url });
  const heard: string[] = [];
  connection.listen({
    onLost: () => heard.push(`lost ${connection.connected} ${connection.epoch}`),
    onRestored: () => heard.push(`restored ${connection.connected} ${connection.epoch}`),
  });
  return { connection, heard };
}

Deno.test("a lost connection begins a new epoch, tells its listeners, and comes back by itself", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  const { connection, heard } = await listening(`127.0.0.1:${proxy.port}`);
  await using _ = connection;
  const unlisten = connection.listen({ onLost: () => heard.push("never") });
  unlisten();
  for (const epoch of [1, 2]) {
    proxy.cut();
    await until(() => !connection.connected);
    assert.equal(connection.epoch, epoch);
    proxy.heal();
    await until(() => connection.connected);
  }
  assert.deepEqual(heard, ["lost false 1", "restored true 1", "lost false 2", "restored true 2"]);
  await connection.nats.flush();
});

Deno.test("a connection outlives its server, and another one on its port", async () => {
  await using nats = await startNats();
  const { connection, heard } = await listening(nats.url);
  await using _ = connection;
  await nats.kill();
  await until(() => !connection.connected);
  await nats.start();
  await until(() => connection.connected);
  assert.deepEqual(heard, ["lost false 1", "restored true 1"]);
  assert.equal(connection.maxPayloadBytes, 1024 * 1024);
});

Deno.test("a connection outlives refusals, until the server knows it again", async () => {
  const config = (password: string) => `authorization { user: u, password: ${password} }`;
  const nats = await startNats({ config: config("old") });
  const { port } = nats;
  const { connection, heard } = await listening(`nats://u:old@127.0.0.1:${port}`);
  await using _ = connection;
  await nats[Symbol.asyncDispose]();
  {
    await using other = await startNats({ config: config("new"), port });
    await until(() => other.log.split("authentication error").length > 3);
  }
  await using again = await startNats({ config: config("old"), port });
  await until(() => connection.connected);
  assert.equal(heard[0], "lost false 1");
  assert.match(heard.at(-1) ?? "", /^restored true/);
  assert.equal(again.port, port);
});

Deno.test("a server that hangs is found out before leases run out", async () => {
  await using nats = await startNats({ jetstream: false });
  await using proxy = startProxy(nats.port);
  await using connection = await connect({ url: `nats://127.0.0.1:${proxy.port}` });
  proxy.pause();
  // They live for 30 s, and are kept alive every 10 s.
  await until(() => connection.epoch > 0, { timeoutMs: 20_000 });
  proxy.heal();
});

Deno.test("the payload limit is the server's", async () => {
  await using nats = await startNats({ config: "max_payload: 4096" });
  await using connection = await connect({ url: nats.url });
  assert.equal(connection.maxPayloadBytes, 4096);
});

Deno.test("what the server denies is reported", async () => {
  await using nats = await startNats({
    config: `authorization {
      users: [{ user: u, password: p, permissions: { publish: { deny: "no" } } }]
    }`,
  });
  const errors: string[] = [];
  await using connection = await connect({
    url: nats.url,
    user: "u",
    password: "p",
    onError: (error) => errors.push(error.message),
  });
  connection.nats.publish("no");
  await until(() => errors.length > 0);
  assert.match(errors[0] ?? "", /permissions violation/i);
});

Deno.test("closing ends a connection whose server is away", async () => {
  await using nats = await startNats();
  const { connection, heard } = await listening(nats.url);
  await nats.kill();
  await until(() => !connection.connected);
  await connection.close();
  assert.deepEqual(heard, ["lost false 1"]);
  assert.ok(connection.nats.isClosed());
});

Deno.test("what a subscription's callback throws is told, and what comes after it is heard", async () => {
  await using nats = await startNats();
  const bugs: unknown[] = [];
  await using connection = await connect({ url: nats.url, onBug: (bug) => bugs.push(bug) });
  const heard: string[] = [];
  const bug = new Error("a bug");
  connection.subscribe("subject", (_, msg) => {
    heard.push(msg.string());
    if (msg.string() === "bad") throw bug;
  });
  for (const text of ["one", "bad", "two"]) connection.nats.publish("subject", text);
  await until(() => heard.length === 3);
  assert.deepEqual([heard, bugs], [["one", "bad", "two"], [bug]]);
});

Deno.test("what a subscription's callback throws is uncaught where nobody wants to be told", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const uncaught: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.push(event.error);
  };
  globalThis.addEventListener("error", onError);
  try {
    const bug = new Error("a bug");
    connection.subscribe("subject", () => {
      throw bug;
    });
    connection.nats.publish("subject");
    await until(() => uncaught.length > 0);
    assert.deepEqual(uncaught, [bug]);
  } finally {
    globalThis.removeEventListener("error", onError);
  }
});

/** A server that says it is an older one. */
function oldServer(version: string): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const info = { server_id: "N", server_name: "n", version, proto: 1, headers: true };
  (async () => {
    for await (const connection of listener) {
      const write = (text: string) => connection.write(new TextEncoder().encode(text));
      await write(`INFO ${JSON.stringify({ ...info, max_payload: 1_048_576 })}\r\n`);
      for await (const part of connection.readable) {
        if (new TextDecoder().decode(part).includes("PING")) await write("PONG\r\n");
      }
    }
  })().catch(() => {});
  return listener;
}

Deno.test("a server that is too old is an error that says which it is, and how to get a newer one", async () => {
  using server = oldServer("2.11.9");
  const url = `nats://127.0.0.1:${server.addr.port}`;
  assert.equal(
    await failure({ url: url.replace("//", `//user:${encodeURIComponent(SECRET)}@`) }),
    `NATS at ${url} is nats-server 2.11.9, the oldest that works is 2.12.0. ` +
      'Get a newer one by "deno task setup", or from ' +
      "https://github.com/nats-io/nats-server/releases",
  );
});

Deno.test("a pre-release of the oldest server that works is let through", async () => {
  using server = oldServer("2.12.0-RC.1");
  const { hostname, port } = server.addr;
  await using connection = await connect({ url: `${hostname}:${port}` });
  assert.equal(connection.nats.info?.version, "2.12.0-RC.1");
});
