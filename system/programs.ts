/**
 * How each program of the project is started: from source by this Deno, or, when this is a
 * compiled executable, as the executable next to it. Only this file knows.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The programs, by the folder of their main.ts and the name of their executable. */
export type ProgramName = "relay" | "agent" | "api" | "cli";

/** A command and the arguments that go before its own. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** How to start a program. */
export function program(name: ProgramName): Program {
  const command = Deno.execPath();
  if (Deno.build.standalone) {
    return { command: name === "cli" ? command : join(dirname(command), name), args: [] };
  }
  const [main, config] = [`../${name}/main.ts`, "../deno.json"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url))
  ) as [string, string];
  // The others run programs, or look at processes: for /proc, Deno asks for all permissions.
  const allowed = name === "relay"
    ? ["--no-prompt", "--config", config, "--permission-set=relay"]
    : ["--allow-all"];
  // An agent mostly waits: memory is what it costs, about 10 MB more without this.
  const engine = name === "agent" ? ["--v8-flags=--optimize-for-size"] : [];
  return { command, args: ["run", "--quiet", ...engine, ...allowed, main] };
}

/** The compose file: the project's own, or for an executable the one in the current folder. */
export function composeFile(): string {
  if (Deno.build.standalone) return join(Deno.cwd(), "compose.yaml");
  return fileURLToPath(new URL("../compose.yaml", import.meta.url));
}
