import { availableParallelism, cpus, release, totalmem } from "node:os";

/**
 * What figures were measured on, in one line.
 *
 * @param natsVersion The version of nats-server.
 */
export function machine(natsVersion: string): string {
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${gib} GiB, Linux ${
    release().split("-")[0]
  }; Deno ${Deno.version.deno}, nats-server ${natsVersion}`;
}
