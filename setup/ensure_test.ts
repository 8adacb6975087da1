import assert from "node:assert/strict";
import { join } from "node:path";
import { ensureNatsServer, type EnsureOptions } from "./ensure.ts";
import { PINNED_RELEASE, type Release } from "./release.ts";
import { SetupError } from "./setup_error.ts";
import { natsServerScript, type TestMachine, testMachine } from "./testing/machine.ts";
import { RELEASED, releaseServer } from "./testing/release_server.ts";

/** A release on a port on which nobody listens. */
function unreachableRelease(): Release {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return { ...PINNED_RELEASE, baseUrl: `http://127.0.0.1:${port}` };
}

/** An apt-get that logs its arguments and "installs"; it needs an update first, if so wished. */
async function fakeApt(machine: TestMachine, behaviour: "works" | "needs update" | "fails") {
  const sbin = join(machine.folder, "sbin");
  await machine.script(
    "bin/apt-get",
    `
cd "${machine.folder}"
echo "$DEBIAN_FRONTEND $*" >> apt.log
case "$*" in
  *update*) touch updated; exit 0 ;;
esac
if [ "${behaviour}" = fails ]; then echo "E: no mirror" >&2; exit 100; fi
if [ "${behaviour}" = "needs update" ] && [ ! -e updated ]; then exit 100; fi
/bin/mkdir -p "${sbin}"
echo '#!/bin/sh' > "${sbin}/nats-server"
echo '${natsServerScript("2.9.10")}' >> "${sbin}/nats-server"
/bin/chmod 755 "${sbin}/nats-server"`,
  );
}

async function aptCalls(machine: TestMachine): Promise<string[]> {
  const log = await Deno.readTextFile(join(machine.folder, "apt.log"));
  return log.trim().split("\n").map((line) => line.replace(/ -o \S+/g, ""));
}

async function setupError(options: EnsureOptions): Promise<SetupError> {
  const error = await ensureNatsServer(options).then(() => undefined, (error) => error);
  assert(error instanceof SetupError, `${error}`);
  return error;
}

Deno.test("set-up takes the nats-server that is there and fetches nothing", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  const path = await machine.natsServer("bin/nats-server", "2.10.1");
  const found = await ensureNatsServer({ ...machine.options, release: server.release });
  assert.deepEqual(found, { path, version: "2.10.1", source: "PATH" });
  assert.deepEqual(server.requests, []);
});

Deno.test("set-up downloads the release once and finds it in the cache afterwards", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  const options = { ...machine.options, release: server.release };
  const path = join(
    machine.folder,
    `cache/nats-server/v${RELEASED}-linux-amd64/nats-server`,
  );
  const first = await ensureNatsServer(options);
  assert.deepEqual(first, { path, version: RELEASED, source: "download" });
  const second = await ensureNatsServer(options);
  assert.deepEqual(second, { path, version: RELEASED, source: "cache" });
  assert.equal(server.requests.length, 1);
});

Deno.test("set-up installs Debian's package where the release cannot be reached", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "works");
  const options = { ...machine.options, release: unreachableRelease(), uid: 0 };
  const server = await ensureNatsServer(options);
  assert.deepEqual(server, {
    path: join(machine.folder, "sbin/nats-server"),
    version: "2.9.10",
    source: "apt",
  });
  assert.deepEqual(await aptCalls(machine), [
    "noninteractive install -y -q --no-install-recommends nats-server",
  ]);
  assert.match(machine.said.join("\n"), /refused/);
});

Deno.test("set-up tells of the service that Debian's package starts where services run", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "works");
  const options = { ...machine.options, release: unreachableRelease(), uid: 0 };
  await ensureNatsServer(options);
  assert.doesNotMatch(machine.said.join("\n"), /systemctl/);
  await Deno.remove(join(machine.folder, "sbin/nats-server"));
  await Deno.mkdir(join(machine.folder, "systemd"));
  await ensureNatsServer(options);
  assert.equal(machine.said.at(-1), "  systemctl disable --now nats-server");
});

Deno.test("set-up renews the package lists where they are missing", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "needs update");
  const options = { ...machine.options, release: unreachableRelease(), uid: 0 };
  assert.equal((await ensureNatsServer(options)).source, "apt");
  assert.deepEqual((await aptCalls(machine)).map((call) => call.split(" ")[1]), [
    "install",
    "update",
    "install",
  ]);
});

Deno.test("set-up gives the commands where apt-get fails, and what it said", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "fails");
  const error = await setupError({ ...machine.options, release: unreachableRelease(), uid: 0 });
  assert.equal(error.code, "not-found");
  assert.match(error.message, /brew install nats-server/);
  assert.match(machine.said.join("\n"), /apt-get could not install nats-server:\n {2}E: no mirror/);
});

Deno.test("set-up gives the commands without network and without root", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "works");
  const release = unreachableRelease();
  const error = await setupError({ ...machine.options, release });
  assert.equal(error.code, "not-found");
  assert.match(error.message, /apt-get install --no-install-recommends nats-server/);
  assert.match(error.message, /brew install nats-server/);
  assert(error.message.includes(`${release.baseUrl}/nats-server-v2.14.5-linux-amd64.tar.gz`));
  assert(error.message.includes(release.sha256["linux-amd64"] ?? "none"));
  assert.match(machine.said.join("\n"), /only root can install it/);
  assert.deepEqual(await machine.files("sbin"), []);
});

Deno.test("set-up goes straight to the commands where no release is pinned", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  const options = { ...machine.options, os: "darwin", arch: "aarch64", release: server.release };
  const error = await setupError(options);
  assert.equal(error.code, "not-found");
  assert.match(machine.said.join("\n"), /No release is pinned for darwin-arm64/);
  assert.deepEqual(server.requests, []);
});

Deno.test("set-up ends at a wrong checksum and tries nothing else", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  await fakeApt(machine, "works");
  const release = { ...server.release, sha256: { "linux-amd64": "0".repeat(64) } };
  const error = await setupError({ ...machine.options, release, uid: 0 });
  assert.equal(error.code, "checksum");
  assert.deepEqual(await machine.files("cache"), []);
  assert.deepEqual(await machine.files("sbin"), []);
});

Deno.test("set-up installs nothing while NATS_SERVER is wrong", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  machine.options.env.NATS_SERVER = "/nowhere/nats-server";
  const error = await setupError({ ...machine.options, release: server.release });
  assert.equal(error.code, "bad-nats-server");
  assert.deepEqual(server.requests, []);
});

Deno.test("set-up without a folder for the cache says which variables name one", async () => {
  await using machine = await testMachine();
  const error = await setupError({ ...machine.options, env: { PATH: "" } });
  assert.equal(error.code, "not-found");
  assert.match(machine.said.join("\n"), /set OUROCODUS_CACHE or HOME/);
});
