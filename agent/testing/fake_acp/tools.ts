/**
 * The tools of the fake agent: what each step that uses one says of it, and does once it is allowed.
 *
 * @module
 */
import type * as acp from "@agentclientprotocol/sdk/unstable";
import { dirname, resolve } from "node:path";
import type { Memory } from "./memory.ts";

/** What tools need. */
export interface ToolOptions {
  readonly memory: Memory;
  readonly client: acp.AgentContext;
  /** Aborted by `session/cancel`. */
  readonly signal: AbortSignal;
  /** Whether a command that runs outlives `session/cancel`. */
  readonly leavesCommands: boolean;
}

/** One use of a tool. */
export interface Tool {
  readonly kind: acp.ToolKind;
  readonly title: string;
  readonly path?: string;
  readonly rawInput?: Record<string, unknown>;
  /** Done once it is allowed. @returns What the tool call's update has besides its status. */
  act(): Promise<Partial<acp.ToolCallUpdate>> | Partial<acp.ToolCallUpdate>;
}

/** The client cancelled the turn, and the step that ran has noticed. */
export class Cancelled extends Error {}

/** The tool that a step uses. */
export function toolFor(
  verb: string,
  [first = "", second = "", third = ""]: readonly string[],
  options: ToolOptions,
): Tool {
  const { memory } = options;
  const path = resolve(memory.cwd, first);
  switch (verb) {
    case "tool":
      return {
        kind: first as acp.ToolKind,
        title: second,
        act: () => ({ status: third === "failed" ? "failed" : "completed" }),
      };
    case "write":
    case "edit":
      return {
        kind: "edit",
        title: `${verb} ${first}`,
        path,
        act: () => change(verb, path, second, third),
      };
    case "delete":
      return {
        kind: "delete",
        title: `delete ${first}`,
        path,
        act: () => (Deno.removeSync(path), {}),
      };
    case "read":
      return {
        kind: "read",
        title: `read ${first}`,
        path,
        act: () => ({ content: textContent(Deno.readTextFileSync(path)) }),
      };
    case "run":
      return {
        kind: "execute",
        title: `\`${first}\``,
        rawInput: { command: first },
        act: () => run(first, options),
      };
    case "orphan":
      return {
        kind: "execute",
        title: `\`${first}\``,
        rawInput: { command: first },
        act: () => (startCommand(first, memory.cwd, "null").unref(), {}),
      };
    case "fswrite":
      return {
        kind: "edit",
        title: `write ${first} through the client`,
        path,
        act: () =>
          askClient(options, "fs/write_text_file", { path: given(first, path), content: second }),
      };
    default:
      return {
        kind: "read",
        title: `read ${first} through the client`,
        path,
        act: () => askClient(options, "fs/read_text_file", { path: given(first, path) }),
      };
  }
}

/** A text as the content of a tool call. */
export function textContent(text: string): acp.ToolCallContent[] {
  return [{ type: "content", content: { type: "text", text } }];
}

async function askClient(
  { client, memory }: ToolOptions,
  method: string,
  params: Record<string, unknown>,
) {
  const answer = await client.request(method, { sessionId: memory.id, ...params });
  return { content: textContent(JSON.stringify(answer)) };
}

async function run(
  command: string,
  { signal, memory, leavesCommands }: ToolOptions,
): Promise<Partial<acp.ToolCallUpdate>> {
  if (signal.aborted) throw new Cancelled();
  const child = startCommand(command, memory.cwd, "piped");
  const kill = () => {
    if (!leavesCommands) Deno.kill(-child.pid, "SIGKILL");
  };
  signal.addEventListener("abort", kill);
  const gone = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => gone.reject(new Cancelled()));
  try {
    const { code, stdout } = await Promise.race([child.output(), gone.promise]);
    const text = new TextDecoder().decode(stdout);
    return {
      status: code === 0 ? "completed" : "failed",
      content: textContent(text),
      rawOutput: { exitCode: code },
    };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** A path that is meant to be seen as it was written, for what climbs out of the folder. */
function given(written: string, whole: string): string {
  return written.startsWith("=") ? written.slice(1) : whole;
}

function change(
  verb: string,
  path: string,
  second: string,
  third: string,
): Partial<acp.ToolCallUpdate> {
  const before = verb === "edit" ? Deno.readTextFileSync(path) : null;
  const newText = before === null ? second : before.replace(second, () => third);
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, newText);
  return { content: [{ type: "diff", path, oldText: before, newText }] };
}

/** In a session of its own, as real agents do: it is not in the agent's process group. */
function startCommand(command: string, cwd: string, output: "piped" | "null"): Deno.ChildProcess {
  return new Deno.Command("setsid", {
    args: ["sh", "-c", command],
    cwd,
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
}
