import { createHash } from "node:crypto";
import type { Release } from "../releases.ts";
import { natsServerScript } from "./machine.ts";

/** A local HTTP server in the place of the NATS project's releases. */
export interface ReleaseServer extends AsyncDisposable {
  /** A release whose archives are fetched from this server. */
  readonly release: Release;
  /** The paths that were asked for. */
  readonly requests: string[];
}

/** The version that the archive holds. */
export const RELEASED = "9.8.7";

/** The archive's name without `.tar.gz`. */
export const ASSET_NAME = `nats-server-v${RELEASED}-linux-amd64`;

/**
 * Starts the server.
 *
 * @param answer Answers each request; default with the archive.
 * @returns The server; its release has the true checksum of the archive.
 */
export async function releaseServer(
  answer: (archive: Uint8Array<ArrayBuffer>) => Response | Promise<Response> = (archive) =>
    new Response(archive),
): Promise<ReleaseServer> {
  const archive = await releaseArchive();
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(new URL(request.url).pathname);
    return answer(archive);
  });
  return {
    release: {
      version: RELEASED,
      baseUrl: `http://127.0.0.1:${server.addr.port}/v${RELEASED}`,
      archives: { "linux-amd64": sha256(archive) },
    },
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/**
 * An archive as the NATS project makes them.
 *
 * @param script The shell script that is nats-server in it.
 */
export async function releaseArchive(
  script: string = natsServerScript(RELEASED),
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-archive-" });
  try {
    await Deno.mkdir(`${folder}/${ASSET_NAME}`);
    const binary = `${folder}/${ASSET_NAME}/nats-server`;
    await Deno.writeTextFile(binary, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(binary, 0o755);
    await Deno.writeTextFile(`${folder}/${ASSET_NAME}/README.md`, "# NATS\n");
    const args = ["-czf", `${folder}/archive.tar.gz`, "-C", folder, ASSET_NAME];
    const { success } = await new Deno.Command("tar", { args }).output();
    if (!success) throw new Error("tar failed");
    return await Deno.readFile(`${folder}/archive.tar.gz`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** SHA-256 in hex. */
export function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
