import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { dockerEndpoint } from "./docker_endpoint.ts";
import { SystemError } from "./system_error.ts";

async function withConfig(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-docker-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function addContext(config: string, name: string, host: string): Promise<string> {
  const id = createHash("sha256").update(name).digest("hex");
  const folder = `${config}/contexts/meta/${id}`;
  await Deno.mkdir(folder, { recursive: true });
  const meta = { Name: name, Endpoints: { docker: { Host: host } } };
  await Deno.writeTextFile(`${folder}/meta.json`, JSON.stringify(meta));
  return `${config}/contexts/tls/${id}/docker`;
}

Deno.test("Docker is at its usual socket, or where DOCKER_HOST says", async () => {
  await withConfig(async (DOCKER_CONFIG) => {
    const at = (env: Record<string, string>) =>
      dockerEndpoint(new Map(Object.entries({ DOCKER_CONFIG, ...env })));
    assert.equal((await at({})).socketPath, "/var/run/docker.sock");
    assert.equal((await at({ DOCKER_HOST: "unix:///x.sock" })).socketPath, "/x.sock");
    assert.deepEqual(await at({ DOCKER_HOST: "tcp://build.local" }), {
      url: "tcp://build.local",
      host: "build.local",
      protocol: "http",
      port: 2375,
    });
    const { protocol, host, username, port } = await at({ DOCKER_HOST: "ssh://me@build.local" });
    assert.deepEqual({ protocol, host, username, port }, {
      protocol: "ssh",
      host: "build.local",
      username: "me",
      port: 22,
    });
    await assert.rejects(at({ DOCKER_HOST: "build.local:2375" }), SystemError);
  });
});

Deno.test("Docker is where the context in use says, with its certificates", async () => {
  await withConfig(async (DOCKER_CONFIG) => {
    const tls = await addContext(DOCKER_CONFIG, "far", "tcp://far.local:2376");
    await Deno.mkdir(tls, { recursive: true });
    await Deno.writeTextFile(`${tls}/ca.pem`, "the authority");
    await addContext(DOCKER_CONFIG, "near", "unix:///near.sock");
    const settings = JSON.stringify({ currentContext: "near" });
    await Deno.writeTextFile(`${DOCKER_CONFIG}/config.json`, settings);
    const at = (env: Record<string, string>) =>
      dockerEndpoint(new Map(Object.entries({ DOCKER_CONFIG, ...env })));
    assert.equal((await at({})).socketPath, "/near.sock");
    assert.equal((await at({ DOCKER_HOST: "unix:///x.sock" })).socketPath, "/x.sock");
    assert.deepEqual(await at({ DOCKER_CONTEXT: "far", DOCKER_HOST: "unix:///x.sock" }), {
      url: "tcp://far.local:2376",
      host: "far.local",
      protocol: "https",
      port: 2376,
      ca: "the authority",
    });
    await assert.rejects(at({ DOCKER_CONTEXT: "none" }), /There is no Docker context "none"/);
  });
});
