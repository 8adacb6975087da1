/**
 * Where figures were measured.
 *
 * @module
 */
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { VERSION } from "@ourocodus/protocol";

/** A machine, and what runs on it. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory_bytes: number;
  readonly system: string;
  readonly deno: string;
  readonly nats_server: string;
  readonly ourocodus: string;
  readonly date: string;
}

/** This machine. @param natsVersion The version of nats-server. */
export function thisMachine(natsVersion: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    system: `${Deno.build.os} ${release().split("-")[0]}`,
    deno: Deno.version.deno,
    nats_server: natsVersion,
    ourocodus: VERSION,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** A machine in one line. */
export function machineLine(machine: Machine): string {
  const { processor, cores, memory_bytes: memory, system, deno, nats_server: nats, date } = machine;
  return `${cores} cores (${processor}), ${Math.round(memory / 2 ** 30)} GiB, ${system}; ` +
    `Deno ${deno}, nats-server ${nats}; ${date}`;
}
