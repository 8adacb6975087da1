import assert from "node:assert/strict";
import type { Asked, Json, Tool } from "./dialect.ts";
import { parseScript } from "./script.ts";
import { callFor, smallest } from "./tools.ts";

function tool(name: string, properties: Record<string, Json> = {}, more: Partial<Tool> = {}): Tool {
  const required = Object.keys(properties);
  return { name, schema: { type: "object", properties, required }, freeform: false, ...more };
}

/** What the double calls for a step, of these tools. */
function callOf(script: string, tools: readonly Tool[], all = ""): unknown {
  const asked: Asked = { tools, said: [], all, model: "m", stream: false };
  const [step] = parseScript(script);
  assert.ok(step !== undefined);
  const call = callFor(step, asked);
  if (call === undefined) return undefined;
  const { id, ...rest } = call;
  assert.match(id, /^call_[0-9a-f]{20}$/);
  return rest;
}

const TEXT = { type: "string" };

Deno.test("a step calls the client's own tool, by the names of its arguments", () => {
  const claude = tool("Edit", { file_path: TEXT, old_string: TEXT, new_string: TEXT });
  assert.deepEqual(callOf("edit a.txt x y", [claude], "Working directory: /w/"), {
    name: "Edit",
    args: { file_path: "/w/a.txt", old_string: "x", new_string: "y" },
  });
  const opencode = tool("write", { filePath: TEXT, content: TEXT });
  assert.deepEqual(callOf('write /a "t\\n"', [opencode], "<cwd>/w</cwd>"), {
    name: "write",
    args: { filePath: "/a", content: "t\n" },
  });
  const read = tool("read_file", { absolute_path: TEXT });
  assert.deepEqual(callOf("read a", [read], "working in the directory: /home/x"), {
    name: "read_file",
    args: { absolute_path: "/home/x/a" },
  });
});

Deno.test("what a tool requires besides is filled with the smallest value", () => {
  const bash = tool("bash", {
    command: TEXT,
    description: TEXT,
    timeout: { type: "integer", minimum: 5 },
  });
  assert.deepEqual(callOf("run ls", [bash]), {
    name: "bash",
    args: { command: "ls", description: "mock", timeout: 5 },
  });
  const shell = tool("shell", { command: { type: "array" } });
  assert.deepEqual(callOf("run ls", [shell]), {
    name: "shell",
    args: { command: ["bash", "-lc", "ls"] },
  });
});

Deno.test("a client without such a tool gets a patch, else a shell command, else nothing", () => {
  const freeform = tool("apply_patch", {}, { freeform: true });
  assert.deepEqual(callOf("edit a.txt x y", [freeform]), {
    name: "apply_patch",
    args: {},
    raw: "*** Begin Patch\n*** Update File: a.txt\n@@\n-x\n+y\n*** End Patch\n",
  });
  const patch = tool("apply_patch", { patchText: TEXT });
  assert.deepEqual(callOf('write a.txt "1\\n2\\n"', [patch]), {
    name: "apply_patch",
    args: { patchText: "*** Begin Patch\n*** Add File: a.txt\n+1\n+2\n*** End Patch\n" },
  });
  const shell = tool("exec_command", { cmd: TEXT });
  assert.deepEqual(callOf(`write a.txt "it's"`, [shell]), {
    name: "exec_command",
    args: { cmd: `printf %s 'it'\\''s' > 'a.txt'` },
  });
  assert.deepEqual(callOf("read a.txt", [shell]), {
    name: "exec_command",
    args: { cmd: "cat 'a.txt'" },
  });
  assert.equal(callOf("read a.txt", [tool("glob")]), undefined);
  assert.equal(callOf("run ls", [tool("glob")]), undefined);
});

Deno.test("the shell command for an edit replaces text as it stands, whatever is in it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.txt`, "x (a.b) $c y");
    const call = callOf('edit a.txt "(a.b) $c" "it\'s"', [tool("shell", { command: TEXT })]);
    const { args } = call as { args: { command: string } };
    const done = await new Deno.Command("sh", { args: ["-c", args.command], cwd: folder }).output();
    assert.equal(done.code, 0);
    assert.equal(await Deno.readTextFile(`${folder}/a.txt`), "x it's y");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("any tool can be called by its name", () => {
  assert.deepEqual(callOf('call LS {"path": "/"}', []), { name: "LS", args: { path: "/" } });
  assert.throws(() => callOf("call LS {x}", []), SyntaxError);
});

Deno.test("the smallest value has what the schema requires, and no more", () => {
  const schema = {
    type: "object",
    properties: {
      kind: { enum: ["a", "b"] },
      one: { const: 1 },
      list: { type: ["array", "null"] },
      maybe: { type: "boolean" },
      none: { type: "NULL" },
    },
    required: ["kind", "one", "list", "none"],
  };
  assert.deepEqual(smallest(schema), { kind: "a", one: 1, list: [], none: null });
});
