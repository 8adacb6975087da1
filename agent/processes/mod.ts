/**
 * Programs that an agent starts, and how they are ended for certain, with all that they have
 * started.
 *
 * @module
 */
export { awaitCommand } from "./await_command.ts";
export { ByteTail } from "./byte_tail.ts";
export { cleanEnvironment } from "./clean_environment.ts";
export { endMarked } from "./end_processes.ts";
export { hideMemory } from "./hide_memory.ts";
export { Keeper } from "./keeper.ts";
export { MARK_VARIABLE, markedProcesses } from "./lineage.ts";
export { MarkedProcess, type StartOptions } from "./marked_process.ts";
export { findProgram } from "./program_path.ts";
export { confined, findSandbox, type FoundSandbox, type Sandbox } from "./sandbox.ts";
export { StdioProcess } from "./stdio_process.ts";
