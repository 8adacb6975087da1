/** What set-up needs to know of the machine. Everything but `env` has the obvious default. */
export interface Host {
  /** The environment: `NATS_SERVER`, `PATH`, `OUROCODUS_CACHE`, `XDG_CACHE_HOME`, `HOME`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Operating system; default `Deno.build.os`. */
  readonly os?: string;
  /** Architecture; default `Deno.build.arch`. */
  readonly arch?: string;
}

/** A variable's value; an empty one counts as not set. */
export function envValue(host: Host, name: string): string | undefined {
  return host.env[name] || undefined;
}

/** The folders of PATH. */
export function pathFolders(host: Host): string[] {
  return (envValue(host, "PATH") ?? "").split(":").filter((folder) => folder !== "");
}
