import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { findNatsServer } from "./find.ts";
import { SetupError } from "./setup_error.ts";
import { testMachine } from "./testing/machine.ts";

const CACHED = "cache/nats-server/v2.14.5-linux-amd64/nats-server";

Deno.test("looks at NATS_SERVER, PATH in its order, the cache", async () => {
  await using machine = await testMachine();
  const { options, folder } = machine;
  const places = [
    { path: "mine/nats", version: "2.12.1", source: "NATS_SERVER" },
    { path: "bin/nats-server", version: "2.12.0", source: "PATH" },
    { path: "bin2/nats-server", version: "2.13.0", source: "PATH" },
    { path: CACHED, version: "2.14.5", source: "cache" },
  ];
  for (const { path, version } of places) await machine.natsServer(path, version);
  options.env.PATH = `${folder}/empty:${folder}/bin:${folder}/bin2`;
  options.env.NATS_SERVER = join(folder, "mine/nats");

  for (const { path, version, source } of places) {
    const expected = { path: join(folder, path), version, source };
    assert.deepEqual(await findNatsServer(options), expected);
    // Without this one the next is found.
    if (source === "NATS_SERVER") delete options.env.NATS_SERVER;
    else await Deno.remove(join(folder, path));
  }
  assert.equal(await findNatsServer(options), undefined);
});

Deno.test("passes over what is too old, broken, a folder or not executable, and says so", async () => {
  await using machine = await testMachine();
  const { options, folder } = machine;
  const old = await machine.natsServer("old/nats-server", "2.11.9");
  const other = await machine.script("other/nats-server", "echo hello");
  await Deno.mkdir(join(folder, "dir/nats-server"), { recursive: true });
  await Deno.chmod(await machine.natsServer("plain/nats-server", "2.14.5"), 0o644);
  const good = await machine.natsServer("good/nats-server", "2.12.0");
  options.env.PATH = ["old", "other", "dir", "plain", "good"].map((name) => join(folder, name))
    .join(":");
  assert.equal((await findNatsServer(options))?.path, good);
  assert.deepEqual(machine.said, [
    `Passing over ${old}: it is nats-server 2.11.9, older than 2.12.0, the oldest that works`,
    `Passing over ${other}: it is not a nats-server: --version ended with 0 and said "hello"`,
  ]);
});

Deno.test("a NATS_SERVER that cannot be used is an error with its value", async () => {
  await using machine = await testMachine();
  await machine.natsServer("bin/nats-server", "2.14.5");
  const plain = await machine.natsServer("plain", "2.14.5");
  await Deno.chmod(plain, 0o644);
  const cases: [string, RegExp][] = [
    [join(machine.folder, "nowhere"), /: there is no such file$/],
    [machine.folder, /: that is not a file$/],
    [plain, /: that file is not executable$/],
    [
      await machine.natsServer("old", "2.9.10"),
      /: it is nats-server 2\.9\.10, older than 2\.12\.0, the oldest that works\. Unset NATS_SERVER/,
    ],
    [await machine.script("other", "exit 3"), /: it is not a nats-server: --version ended with 3/],
  ];
  for (const [value, reason] of cases) {
    machine.options.env.NATS_SERVER = value;
    await assert.rejects(findNatsServer(machine.options), (error) => {
      assert(error instanceof SetupError);
      assert.equal(error.code, "bad-nats-server");
      assert(error.message.startsWith(`NATS_SERVER is "${value}": `), error.message);
      assert.match(error.message, reason);
      return true;
    });
  }
});

Deno.test("where a version is wanted, others are passed over, and a part of it is enough", async () => {
  await using machine = await testMachine();
  const { options } = machine;
  const newer = await machine.natsServer("bin/nats-server", "2.14.5");
  const path = await machine.natsServer("bin2/nats-server", "2.12.8");
  options.env.PATH += `:${join(machine.folder, "bin2")}`;
  for (const version of ["2.12", "2.12.8"]) {
    assert.deepEqual(await findNatsServer({ ...options, version }), {
      ...{ path, version: "2.12.8", source: "PATH" },
    });
  }
  assert.deepEqual(
    machine.said.at(-1),
    `Passing over ${newer}: it is nats-server 2.14.5, not 2.12.8`,
  );
  assert.equal(await findNatsServer({ ...options, version: "2.1" }), undefined);
  options.env.NATS_SERVER = newer;
  await assert.rejects(findNatsServer({ ...options, version: "2.12" }), {
    message: `NATS_SERVER is "${newer}": it is nats-server 2.14.5, not 2.12. ` +
      "Unset NATS_SERVER to have another one found or fetched",
  });
});

Deno.test("an empty NATS_SERVER counts as not set", async () => {
  await using machine = await testMachine();
  const path = await machine.natsServer("bin/nats-server", "2.14.5");
  machine.options.env.NATS_SERVER = "";
  assert.equal((await findNatsServer(machine.options))?.path, path);
});

Deno.test("the cache is where the environment says", () => {
  const env = { OUROCODUS_CACHE: "/own", XDG_CACHE_HOME: "/xdg", HOME: "/home/me" };
  assert.equal(cacheFolder({ env }), "/own");
  assert.equal(cacheFolder({ env: { ...env, OUROCODUS_CACHE: "" } }), "/xdg/ourocodus");
  assert.equal(cacheFolder({ env: { HOME: env.HOME } }), "/home/me/.cache/ourocodus");
  assert.equal(cacheFolder({ env: {} }), undefined);
});
