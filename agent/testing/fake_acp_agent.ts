/**
 * A fake coding agent that speaks ACP, for tests: it thinks nothing, and does what its prompt says.
 *
 *   deno run -A fake_acp_agent.ts [flags]
 *
 * The prompt has a line `FAKE: step; step; …`. Words with spaces are JSON strings.
 *
 *   say TEXT                     a message with an id of its own
 *   more TEXT                    goes on with the message before
 *   plain TEXT                   a message without an id
 *   trickle TEXT PIECES MS       a message in pieces, so far apart
 *   think TEXT                   a thought
 *   env NAME, cwd                says what a variable, the folder is
 *   plan ENTRY…                  a plan
 *   usage USED SIZE [COST [CURRENCY]]   a usage update
 *   tokens IN OUT [CACHED]       the usage in the answer to the prompt
 *   tool KIND TITLE [failed]     a tool call that does nothing
 *   write PATH TEXT, edit PATH OLD NEW, delete PATH, read PATH      with diff and locations
 *   run COMMAND                  by `setsid sh -c`; waits for it; cancel kills it (--leaves-commands: not)
 *   orphan COMMAND               the same, does not wait: it outlives the agent
 *   fswrite PATH TEXT, fsread PATH      through the client; `=PATH` is sent as it is written
 *   ask [KIND…]                  the next tool asks for permission first; the kinds of its options are
 *                                allow_once allow_always reject_once where none is named
 *   rejected goes_on|cancelled|end      what a rejected permission does to the turn
 *   request METHOD {JSON}        asks the client, and says what it answered or `CODE MESSAGE`
 *   notify METHOD {JSON}         tells the client something
 *   update {JSON}                a session update as it is
 *   warn CATEGORY TITLE ACTION…  an update with a failure of severity `warning`
 *   end                          ends the turn; a next prompt without a script goes on after it
 *   stop REASON                  ends the turn: refusal, max_tokens, max_turn_requests, cancelled
 *   failure CATEGORY SEVERITY TITLE ACTION…     ends the turn with `end_turn` and a failure
 *   error CODE MESSAGE [{JSON}]  answers the prompt with an error
 *   slow MS, hang                wait so long, forever; both end with session/cancel
 *   deaf                         waits forever, also after session/cancel
 *   die [CODE|SIGNAL]            ends the process
 *   close                        closes standard output, and lives on
 *   garbage TEXT, huge BYTES     a line on standard output that is no JSON; one that is that long
 *   stderr TEXT                  a line on standard error
 *
 * A step counts as done once it has begun. A prompt without a script goes on with the steps that
 * have not begun (after a crash, or `end`); without any it says `No script. Heard: PROMPT`.
 *
 * Flags: PHASE is initialize, new, load or mode.
 *   --home DIR            where sessions are remembered (FAKE_ACP_HOME; else a folder in /tmp)
 *   --hang PHASE, --die PHASE, --fail PHASE=CODE       never answers it, ends at it, answers an error
 *   --no-load             does not offer session/load
 *   --late-replay         replays the history after it has answered session/load
 *   --modes A,B           the first is the default; default,acceptEdits,bypassPermissions
 *   --no-modes            has none
 *   --auth                names a login method
 *   --name NAME, --version VERSION      in agentInfo
 *   --protocol N          the version that it answers
 *   --second queue|cancel a prompt while one runs: waits, or cancels the first; queue
 *   --leaves-commands, --ignore-eof, --ignore-sigterm
 *   --start-garbage TEXT, --stderr TEXT                at its start
 *
 * @module
 */
import * as acp from "@agentclientprotocol/sdk/unstable";
import { parseArgs } from "node:util";
import { die, forever } from "./fake_acp/ends.ts";
import { Memories, type Memory } from "./fake_acp/memory.ts";
import { scriptIn } from "./fake_acp/script.ts";
import { FakeTurn } from "./fake_acp/turn.ts";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    home: { type: "string", default: Deno.env.get("FAKE_ACP_HOME") ?? "/tmp/fake-acp" },
    hang: { type: "string", multiple: true, default: [] },
    die: { type: "string", multiple: true, default: [] },
    fail: { type: "string", multiple: true, default: [] },
    "no-load": { type: "boolean", default: false },
    "late-replay": { type: "boolean", default: false },
    modes: { type: "string", default: "default,acceptEdits,bypassPermissions" },
    "no-modes": { type: "boolean", default: false },
    auth: { type: "boolean", default: false },
    name: { type: "string", default: "fake-acp-agent" },
    version: { type: "string", default: "1.0.0" },
    protocol: { type: "string", default: "1" },
    second: { type: "string", default: "queue" },
    "leaves-commands": { type: "boolean", default: false },
    "ignore-eof": { type: "boolean", default: false },
    "ignore-sigterm": { type: "boolean", default: false },
    "start-garbage": { type: "string", multiple: true, default: [] },
    stderr: { type: "string", multiple: true, default: [] },
  },
});

interface Session {
  readonly memory: Memory;
  /** Of the turns that run or wait. */
  readonly aborts: Set<AbortController>;
  turn?: Promise<unknown>;
}

function cancel({ aborts }: Session): void {
  for (const abort of aborts) abort.abort();
}

const memories = new Memories(flags.home);
const sessions = new Map<string, Session>();
const modes = flags["no-modes"] ? [] : flags.modes.split(",");

/** Standard output, shared by messages and by what is no message; one write at a time. */
let written: Promise<void> = Promise.resolve();
function raw(bytes: Uint8Array): Promise<void> {
  written = written.then(async () => {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  });
  return written;
}

/** What the flags say about a phase: it ends, hangs or fails here. */
async function enter(phase: string): Promise<void> {
  if (flags.die.includes(phase)) die("1");
  if (flags.hang.includes(phase)) await forever();
  const code = flags.fail.find((fail) => fail.startsWith(`${phase}=`))?.split("=")[1];
  if (code !== undefined) throw new acp.RequestError(Number(code), `fake ${phase} failed`);
}

function modeState(memory: Memory): { modes?: acp.SessionModeState } {
  if (modes.length === 0) return {};
  const availableModes = modes.map((id) => ({ id, name: id }));
  return { modes: { currentModeId: memory.mode, availableModes } };
}

function sessionOf(id: string): Session {
  const session = sessions.get(id);
  if (session === undefined) throw acp.RequestError.sessionNotFound(id);
  return session;
}

async function replay({ id, history }: Memory, client: acp.AgentContext): Promise<void> {
  for (const { from, text } of history) {
    const content = { type: "text", text } as const;
    await client.notify("session/update", {
      sessionId: id,
      update: from === "tool"
        ? {
          sessionUpdate: "tool_call",
          toolCallId: crypto.randomUUID(),
          title: text,
          status: "completed",
        }
        : {
          sessionUpdate: from === "user" ? "user_message_chunk" : "agent_message_chunk",
          content,
        },
    });
  }
}

async function prompt(
  session: Session,
  { prompt: blocks }: acp.PromptRequest,
  client: acp.AgentContext,
): Promise<acp.PromptResponse> {
  if (flags.second === "cancel") cancel(session);
  const abort = new AbortController(); // Before anything waits: session/cancel may come at once.
  session.aborts.add(abort);
  await session.turn?.catch(() => {});
  const { memory } = session;
  const text = blocks.map((block) => block.type === "text" ? block.text : "").join("");
  memory.history.push({ from: "user", text });
  const script = scriptIn(text);
  if (script !== undefined) Object.assign(memory, { steps: script, begun: 0 });
  else if (memory.begun >= memory.steps.length) {
    memory.steps = [["say", `No script. Heard: ${text}`]];
    memory.begun = 0;
  }
  const save = () => memories.save(memory);
  const leavesCommands = flags["leaves-commands"];
  const turn = new FakeTurn({ memory, client, signal: abort.signal, save, leavesCommands, raw });
  const response = turn.run().finally(() => {
    session.aborts.delete(abort);
    save();
  });
  session.turn = response;
  return await response;
}

const app = acp.agent({ name: flags.name })
  .onRequest("initialize", async () => {
    await enter("initialize");
    return {
      protocolVersion: Number(flags.protocol),
      agentInfo: { name: flags.name, version: flags.version },
      agentCapabilities: { loadSession: !flags["no-load"], promptCapabilities: {} },
      authMethods: flags.auth ? [{ id: "login", name: "Log in", description: "fake login" }] : [],
    };
  })
  .onRequest("session/new", async ({ params: { cwd } }) => {
    await enter("new");
    const id = crypto.randomUUID();
    const memory: Memory = { id, cwd, mode: modes[0] ?? "", steps: [], begun: 0, history: [] };
    sessions.set(id, { memory, aborts: new Set() });
    memories.save(memory);
    return { sessionId: id, ...modeState(memory) };
  })
  .onRequest("session/load", async ({ params: { sessionId, cwd }, client }) => {
    if (flags["no-load"]) throw acp.RequestError.methodNotFound("session/load");
    await enter("load");
    const stored = memories.load(sessionId);
    if (stored === undefined) throw acp.RequestError.sessionNotFound(sessionId);
    const memory = { ...stored, cwd, mode: modes[0] ?? "" }; // Forgets its mode, as Codex does.
    sessions.set(sessionId, { memory, aborts: new Set() });
    if (flags["late-replay"]) setTimeout(() => replay(memory, client), 20);
    else await replay(memory, client);
    return modeState(memory);
  })
  .onRequest("session/set_mode", async ({ params: { sessionId, modeId } }) => {
    await enter("mode");
    if (!modes.includes(modeId)) throw acp.RequestError.invalidParams({ modeId }, "no such mode");
    const { memory } = sessionOf(sessionId);
    memory.mode = modeId;
    memories.save(memory);
  })
  .onRequest(
    "session/prompt",
    async ({ params, client }) => await prompt(sessionOf(params.sessionId), params, client),
  )
  .onNotification("session/cancel", ({ params: { sessionId } }) => {
    const session = sessions.get(sessionId);
    if (session !== undefined) cancel(session);
  });

if (import.meta.main) {
  if (flags["ignore-sigterm"]) Deno.addSignalListener("SIGTERM", () => {});
  for (const text of flags.stderr) console.error(text);
  for (const text of flags["start-garbage"]) await raw(new TextEncoder().encode(`${text}\n`));
  const output = new WritableStream<Uint8Array>({ write: raw });
  const connection = app.connect(acp.ndJsonStream(output, Deno.stdin.readable));
  await connection.closed;
  if (flags["ignore-eof"]) await forever();
  Deno.exit(0);
}
