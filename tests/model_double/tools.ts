import type { Asked, Json, Tool, ToolCall } from "./dialect.ts";
import { object } from "./dialect.ts";
import type { Step } from "./script.ts";

/** What agents call their tools, best first. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  write: ["Write", "write_file", "write", "create_file"],
  edit: ["Edit", "replace", "edit", "str_replace"],
  read: ["Read", "read_file", "read", "view"],
  run: [
    "Bash",
    "run_shell_command",
    "bash",
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
  ],
};
const PATH = ["file_path", "filePath", "path", "absolute_path", "file"];
const COMMAND = ["command", "cmd"];
const CONTENT = ["content", "contents", "file_text"];
const OLD = ["old_string", "oldString", "old_str"];
const NEW = ["new_string", "newString", "new_str"];

/**
 * Chooses one of the client's tools for a step: the tool for it, else a patch, else the shell.
 *
 * @returns The call, or undefined if the client offers nothing for it.
 */
export function callFor(step: Step, asked: Asked): ToolCall | undefined {
  const id = `call_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
  const { verb, args: [first = "", second = ""] } = step;
  if (verb === "call") return { id, name: first, args: JSON.parse(second || "{}") };
  const tool = asked.tools.find(({ name }) => NAMES[verb]?.includes(name));
  if (tool !== undefined) {
    return { id, name: tool.name, args: withRequired(tool, argumentsFor(step, tool, asked)) };
  }
  const patch = asked.tools.find(({ name }) => name === "apply_patch");
  if (patch !== undefined && (verb === "write" || verb === "edit")) {
    const text = patchFor(step);
    if (patch.freeform) return { id, name: patch.name, args: {}, raw: text };
    const key = property(patch, ["input", "patch", "patchText"]) ?? "input";
    return { id, name: patch.name, args: { [key]: text } };
  }
  const command = commandFor(step);
  if (command === undefined || !asked.tools.some(({ name }) => NAMES.run?.includes(name))) {
    return undefined;
  }
  return callFor({ verb: "run", args: [command], before: [] }, asked);
}

/** The smallest value that a JSON Schema allows, as far as it has no patterns and lengths. */
export function smallest(schema: Json): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if ("const" in schema) return schema.const;
  const type = String(Array.isArray(schema.type) ? schema.type[0] : schema.type ?? "string")
    .toLowerCase();
  if (type === "object") {
    const properties = object(schema.properties) as Record<string, Json>;
    const required = Array.isArray(schema.required) ? schema.required : Object.keys(properties);
    return Object.fromEntries(required.map((name) => [name, smallest(properties[name] ?? {})]));
  }
  const values: Json = {
    boolean: false,
    number: schema.minimum ?? 0,
    integer: schema.minimum ?? 0,
    array: [],
    null: null,
  };
  return type in values ? values[type] : "mock";
}

function argumentsFor({ verb, args }: Step, tool: Tool, asked: Asked): Json {
  const [first = "", second = "", third = ""] = args;
  const folder = workingFolder(asked.all);
  const path = first.startsWith("/") || folder === undefined ? first : `${folder}/${first}`;
  switch (verb) {
    case "write":
      return { ...under(tool, PATH, path), ...under(tool, CONTENT, second) };
    case "edit":
      return {
        ...under(tool, PATH, path),
        ...under(tool, OLD, second),
        ...under(tool, NEW, third),
      };
    case "read":
      return under(tool, PATH, path);
    default:
      return under(tool, COMMAND, first);
  }
}

/** The step as a patch in the form that Codex' `apply_patch` takes. */
function patchFor({ verb, args: [path = "", second = "", third = ""] }: Step): string {
  const change = verb === "write"
    ? [`*** Add File: ${path}`, ...lines(second).map((line) => `+${line}`)]
    : [
      `*** Update File: ${path}`,
      "@@",
      ...lines(second).map((line) => `-${line}`),
      ...lines(third).map((line) => `+${line}`),
    ];
  return ["*** Begin Patch", ...change, "*** End Patch", ""].join("\n");
}

/** The step as a shell command. */
function commandFor({ verb, args: [path = "", second = "", third = ""] }: Step):
  | string
  | undefined {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  switch (verb) {
    case "write":
      return `printf %s ${quoted(second)} > ${quoted(path)}`;
    case "edit": {
      const replace = `s/\\Q$ENV{OLD}\\E/$ENV{NEW}/`;
      return `OLD=${quoted(second)} NEW=${quoted(third)} perl -0pi -e '${replace}' ${quoted(path)}`;
    }
    case "read":
      return `cat ${quoted(path)}`;
    default:
      return undefined;
  }
}

function lines(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

/** The first of these names that is a property of the tool's arguments. */
function property(tool: Tool, names: readonly string[]): string | undefined {
  const properties = object(tool.schema.properties);
  return names.find((name) => name in properties);
}

function under(tool: Tool, names: readonly string[], value: string): Json {
  const name = property(tool, names) ?? names[0] ?? "value";
  const schema = object(object(tool.schema.properties)[name]);
  return { [name]: schema.type === "array" ? ["bash", "-lc", value] : value };
}

function withRequired(tool: Tool, args: Json): Json {
  const required: string[] = Array.isArray(tool.schema.required) ? tool.schema.required : [];
  const properties = object(tool.schema.properties);
  const missing = required.filter((name) => !(name in args));
  return {
    ...args,
    ...Object.fromEntries(missing.map((name) => [name, smallest(object(properties[name]))])),
  };
}

/** The folder that the agent tells its model to work in, as each of them words it. */
function workingFolder(text: string): string | undefined {
  const wordings = [
    /<cwd>([^<]+)<\/cwd>/g,
    /[Ww]orking directory: *([^\s<,]+)/g,
    /working in the directory: *([^\s<,]+)/g,
    /\*\*Workspace Directories:\*\*\s*-? *([^\s<,]+)/g,
    /workspace[^\n]{0,40}:\s*\n\s*- *(\/[^\s<,]+)/gi,
  ];
  for (const wording of wordings) {
    const found = [...text.matchAll(wording)].at(-1)?.[1];
    if (found !== undefined) return found.replace(/\/$/, "");
  }
  return undefined;
}
