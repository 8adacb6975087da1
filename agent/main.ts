/**
 * The agent program: `deno run -A agent/main.ts --help`.
 *
 * @module
 */
import { run } from "./program.ts";

// A socket that was abandoned would keep the process alive.
Deno.exit(await run(Deno.args, Deno.env));
