/**
 * A load process: agents on WebSockets that answer at once. They do as little as they can, so that
 * they are not what is measured.
 *
 * @module
 */
import { SUBPROTOCOL_V1 } from "@ourocodus/protocol";
import { commands, readPlan, tell } from "./parent.ts";
import { type Load, type Plan, resultOf, roleOf, sessionOf } from "./plan.ts";

/** What the process is told: connect these agents, all at once. */
export interface ConnectCommand {
  readonly kind: "busy" | "idle";
  readonly first: number;
  readonly count: number;
}

/** What it answers. */
export interface ConnectReport {
  readonly connected: number;
  readonly failed: number;
  /** Until the last one was there. */
  readonly seconds: number;
}

const RESERVED = '"type":"relay.';
/** An id, which comes before a message's type, is no longer than this. */
const HEAD_CHARACTERS = 200;

function answer(frame: string): string {
  if (!frame.includes("\n")) return reply(frame) ?? "";
  return frame.split("\n").map(reply).filter((line) => line !== undefined).join("\n");
}

function reply(line: string): string | undefined {
  const reserved = line.slice(0, HEAD_CHARACTERS).includes(RESERVED);
  return line === "" || reserved ? undefined : resultOf(line);
}

function agentUrl(plan: Plan, { kind }: ConnectCommand, agent: number): string {
  const { relayUrls, load } = plan;
  const names = kind === "busy"
    ? { session_id: sessionOf(load, agent), role: roleOf(agent) }
    : { session_id: idleSession(load, agent), role: roleOf(agent) };
  const concurrency = kind === "busy" ? load.concurrency : 1;
  const query = new URLSearchParams({ ...names, concurrency: String(concurrency) });
  return `${relayUrls[agent % relayUrls.length]}/agent?${query}`;
}

function idleSession(load: Load, agent: number): string {
  return `idle${agent % Math.max(1, load.idle)}`;
}

function connect(url: string, protocol: string | undefined): Promise<boolean> {
  const socket = protocol === undefined ? new WebSocket(url) : new WebSocket(url, protocol);
  return new Promise((resolve) => {
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
    socket.onmessage = ({ data }) => {
      const text = answer(data);
      if (text !== "") socket.send(text);
    };
    socket.onclose = ({ code, reason }) => console.error(`agent was closed: ${code} ${reason}`);
  });
}

async function connectAll(plan: Plan, command: ConnectCommand): Promise<ConnectReport> {
  const protocol = plan.contender === "plain" ? undefined : SUBPROTOCOL_V1;
  const start = performance.now();
  const opened = await Promise.all(
    Array.from(
      { length: command.count },
      (_, index) => connect(agentUrl(plan, command, command.first + index), protocol),
    ),
  );
  const connected = opened.filter(Boolean).length;
  const seconds = (performance.now() - start) / 1_000;
  return { connected, failed: opened.length - connected, seconds };
}

const plan = readPlan();
tell({ ready: true });
for await (const command of commands<ConnectCommand>()) tell(await connectAll(plan, command));
Deno.exit(0);
