import assert from "node:assert/strict";
import { join } from "node:path";
import { downloadNatsServer, type DownloadOptions } from "./download.ts";
import { type Asset, type Release, releaseAsset } from "./releases.ts";
import { SetupError, type SetupErrorCode } from "./setup_error.ts";
import { testMachine } from "./testing/machine.ts";
import {
  ASSET_NAME,
  releaseArchive,
  RELEASED,
  releaseServer,
  sha256,
} from "./testing/release_server.ts";
import { natsServerVersion } from "./version.ts";

function linuxAsset(release: Release): Asset {
  const asset = releaseAsset(release, "linux-amd64");
  assert(asset);
  return asset;
}

/** Expects the download to fail with a code and to leave nothing behind; returns the message. */
async function failure(
  asset: Asset,
  code: SetupErrorCode,
  options: DownloadOptions = {},
): Promise<string> {
  await using machine = await testMachine();
  const error = await downloadNatsServer(asset, join(machine.folder, "cache/nats-server"), options)
    .then(() => undefined, (error) => error);
  assert(error instanceof SetupError, `${error}`);
  assert.equal(error.code, code);
  assert.deepEqual(await machine.files("cache"), []);
  return error.message;
}

Deno.test("downloads, checks and unpacks a release, and keeps nothing but its binary", async () => {
  await using server = await releaseServer();
  await using machine = await testMachine();
  const target = join(machine.folder, "cache/v/nats-server");
  await downloadNatsServer(linuxAsset(server.release), target, machine.options);
  assert.equal(await natsServerVersion(target), RELEASED);
  assert.deepEqual(await machine.files("cache"), [target]);
  assert.deepEqual(server.requests, [`/v${RELEASED}/${ASSET_NAME}.tar.gz`]);
  assert.match(machine.said.join("\n"), /^Downloading http.*\nGot 0\.0 MB.*\nKeeping it in .*$/);
});

Deno.test("two downloads at once both succeed", async () => {
  await using server = await releaseServer();
  await using machine = await testMachine();
  const target = join(machine.folder, "cache/v/nats-server");
  const download = () => downloadNatsServer(linuxAsset(server.release), target);
  await Promise.all([download(), download()]);
  assert.equal(server.requests.length, 2);
  assert.equal(await natsServerVersion(target), RELEASED);
  assert.deepEqual(await machine.files("cache"), [target]);
});

Deno.test("an archive with another checksum is not kept, and the error has both", async () => {
  await using server = await releaseServer();
  const expected = "0".repeat(64);
  const actual = linuxAsset(server.release).sha256;
  const message = await failure({ ...linuxAsset(server.release), sha256: expected }, "checksum");
  assert.match(message, new RegExp(`SHA-256 is ${actual}, expected ${expected}`));
});

Deno.test("a binary that was kept before survives a download with another checksum", async () => {
  await using server = await releaseServer();
  await using machine = await testMachine();
  const target = await machine.natsServer("cache/nats-server", "1.2.3");
  const asset = { ...linuxAsset(server.release), sha256: "0".repeat(64) };
  await assert.rejects(downloadNatsServer(asset, target), SetupError);
  assert.equal(await natsServerVersion(target), "1.2.3");
});

Deno.test("a release that is not there is an error with the status", async () => {
  await using server = await releaseServer(() => new Response("no", { status: 404 }));
  const message = await failure(linuxAsset(server.release), "unreachable");
  assert.match(message, /^Cannot download http:.*tar\.gz: the server answered 404/);
});

Deno.test("a body that breaks off is an error", async () => {
  const archive = await releaseArchive();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(4096));
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${archive.length}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
    await connection.write(archive.subarray(0, 100));
  })();
  const url = `http://127.0.0.1:${listener.addr.port}/x.tar.gz`;
  const message = await failure({
    name: ASSET_NAME,
    url,
    sha256: "0".repeat(64),
    version: RELEASED,
  }, "unreachable");
  await serving;
  assert.match(message, /^Cannot download http:.*x\.tar\.gz: .*body/);
});

Deno.test("a server that refuses connections is an error with the reason", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}/x.tar.gz`;
  listener.close();
  const message = await failure(
    { name: ASSET_NAME, url, sha256: "", version: RELEASED },
    "unreachable",
  );
  assert.match(message, /refused/);
});

Deno.test("a server that never answers is left after the idle timeout", async () => {
  const release = Promise.withResolvers<Response>();
  await using server = await releaseServer(() => release.promise);
  const message = await failure(linuxAsset(server.release), "unreachable", { idleTimeoutMs: 100 });
  assert.match(message, /nothing came for 0\.1 s$/);
  release.resolve(new Response());
});

Deno.test("a server that hangs in the middle is left after the idle timeout", async () => {
  await using server = await releaseServer((archive) =>
    new Response(new ReadableStream({ start: (sink) => sink.enqueue(archive.subarray(0, 100)) }))
  );
  const message = await failure(linuxAsset(server.release), "unreachable", { idleTimeoutMs: 100 });
  assert.match(message, /nothing came for 0\.1 s$/);
});

Deno.test("an archive without the binary is an error", async () => {
  await using server = await releaseServer();
  const asset = { ...linuxAsset(server.release), name: "something-else" };
  assert.match(await failure(asset, "unusable"), /^Cannot unpack something-else\.tar\.gz: .*tar/);
});

Deno.test("a binary that does not run here is not kept", async () => {
  const archive = await releaseArchive("exit 8");
  await using server = await releaseServer(() => new Response(archive));
  const asset = { ...linuxAsset(server.release), sha256: sha256(archive) };
  assert.match(await failure(asset, "unusable"), /does not run here: .*--version ended with 8/);
});

Deno.test("a binary of another version is not kept", async () => {
  await using server = await releaseServer();
  const asset = { ...linuxAsset(server.release), version: "9.8.6" };
  assert.match(await failure(asset, "unusable"), /is nats-server 9\.8\.7, not 9\.8\.6$/);
});

Deno.test("a cache folder that cannot be made is an error that names it", async () => {
  await using server = await releaseServer();
  await using machine = await testMachine();
  const file = await machine.script("file", "");
  await assert.rejects(
    downloadNatsServer(linuxAsset(server.release), join(file, "nats-server")),
    (error) =>
      error instanceof SetupError && error.code === "bad-cache" && error.message.includes(file),
  );
  assert.deepEqual(server.requests, []);
});

Deno.test("a signal ends a download and nothing is kept", async () => {
  const ending = new AbortController();
  await using server = await releaseServer((archive) => {
    queueMicrotask(() => ending.abort());
    return new Response(
      new ReadableStream({ start: (sink) => sink.enqueue(archive.subarray(0, 100)) }),
    );
  });
  await using machine = await testMachine();
  const target = join(machine.folder, "cache/nats-server");
  await assert.rejects(
    downloadNatsServer(linuxAsset(server.release), target, { signal: ending.signal }),
    { name: "AbortError" },
  );
  assert.deepEqual(await machine.files("cache"), []);
});
