/**
 * Where the Docker engine is: `DOCKER_CONTEXT`, `DOCKER_HOST`, the context that `docker context use`
 * has chosen, or the usual socket; in the order in which Docker's own command line looks.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Environment, readSettings, text } from "@ourocodus/protocol";
import { SystemError } from "./system_error.ts";

/** An engine's address; TLS if `ca`, `cert` and `key` are there. */
export interface DockerEndpoint {
  /** For people: `unix:///var/run/docker.sock`. */
  readonly url: string;
  readonly socketPath?: string;
  readonly protocol?: "http" | "https" | "ssh";
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const DEFAULT_URL = "unix:///var/run/docker.sock";

/** Where Docker is, by the names that its own command line uses. */
export const DOCKER_SETTINGS = {
  context: text("DOCKER_CONTEXT", "Docker's context, if agents were started there"),
  url: text("DOCKER_HOST", "Docker's address", { otherwise: DEFAULT_URL }),
  verifies: text("DOCKER_TLS_VERIFY", "any text: DOCKER_HOST speaks TLS"),
  certificates: text("DOCKER_CERT_PATH", "the folder with its certificates", {
    otherwise: "DOCKER_CONFIG",
  }),
  config: text("DOCKER_CONFIG", "Docker's configuration", { otherwise: "~/.docker" }),
  home: text("HOME", "the user's home, where Docker's configuration is"),
};

/** Finds it. @throws {SystemError} If a context or an address cannot be used. */
export async function dockerEndpoint(env: Environment): Promise<DockerEndpoint> {
  const { context: named, url, verifies, certificates, home = "", ...read } = readSettings(
    DOCKER_SETTINGS,
    env,
  );
  const { config = join(home, ".docker") } = read;
  if (named === undefined && url !== undefined) {
    return parseEndpoint(url, verifies === undefined ? undefined : certificates ?? config);
  }
  const context = named ?? await currentContext(config);
  if (context === undefined || context === "default") {
    return await parseEndpoint(url ?? DEFAULT_URL);
  }
  return await contextEndpoint(config, context);
}

async function currentContext(config: string): Promise<string | undefined> {
  const settings = await readJson(join(config, "config.json"));
  const context = (settings as { currentContext?: unknown } | undefined)?.currentContext;
  return typeof context === "string" && context !== "" ? context : undefined;
}

async function contextEndpoint(config: string, context: string): Promise<DockerEndpoint> {
  const folder = createHash("sha256").update(context).digest("hex");
  const meta = await readJson(join(config, "contexts", "meta", folder, "meta.json")) as
    | { Endpoints?: { docker?: { Host?: unknown } } }
    | undefined;
  const url = meta?.Endpoints?.docker?.Host;
  if (typeof url !== "string") {
    throw new SystemError(
      `There is no Docker context ${JSON.stringify(context)}: "docker context ls" lists them`,
    );
  }
  return await parseEndpoint(url, join(config, "contexts", "tls", folder, "docker"));
}

async function parseEndpoint(url: string, tlsFolder?: string): Promise<DockerEndpoint> {
  if (url.startsWith("unix://")) return { url, socketPath: url.slice("unix://".length) };
  const parsed = URL.parse(url);
  const schemes = { "tcp:": "http", "http:": "http", "https:": "https", "ssh:": "ssh" } as const;
  const protocol = schemes[parsed?.protocol as keyof typeof schemes];
  if (parsed === null || protocol === undefined) {
    throw new SystemError(
      `The address of Docker is ${
        JSON.stringify(url)
      }, allowed are unix://, tcp://, https://, ssh://`,
    );
  }
  // "tcp" has no default port and keeps its authority only as a special scheme.
  const { hostname: host, port, username } = new URL(url.replace(/^[a-z]+:/, "http:"));
  const tls = protocol === "ssh" ? {} : await tlsFiles(tlsFolder);
  return {
    url,
    host,
    protocol: tls.ca === undefined ? protocol : "https",
    port: Number(port) || (protocol === "ssh" ? 22 : tls.ca === undefined ? 2375 : 2376),
    ...(username && { username }),
    ...tls,
  };
}

async function tlsFiles(
  folder: string | undefined,
): Promise<{ ca?: string; cert?: string; key?: string }> {
  if (folder === undefined) return {};
  const read = (name: string) => Deno.readTextFile(join(folder, name)).catch(() => undefined);
  const [ca, cert, key] = [await read("ca.pem"), await read("cert.pem"), await read("key.pem")];
  return ca === undefined ? {} : { ca, ...(cert && { cert }), ...(key && { key }) };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined;
  }
}
