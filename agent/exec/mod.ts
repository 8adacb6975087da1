/**
 * The exec agent: any command as an agent.
 *
 * @module
 */
export { type StdinMode, VARIABLES } from "./command_input.ts";
export { ExecAgent, type ExecOptions, type StdoutMode } from "./exec_agent.ts";
export { parseJsonPath } from "./json_path.ts";
export { fillArgument, type FilledArgument, type TemplateValues } from "./template.ts";
