import assert from "node:assert/strict";
import { AgentConnection, type AgentSocket } from "./agent_connection.ts";

/** A socket that keeps what it is sent. */
class KeptSocket implements AgentSocket {
  readonly frames: string[] = [];
  unreadBytes = 0;
  closed: [number, string] | undefined;
  send(frame: string): void {
    this.frames.push(frame);
  }
  close(code: number, reason: string): void {
    this.closed = [code, reason];
  }
}

function connectionOn(
  socket: AgentSocket,
  protocol: "plain" | "ourocodus.v1",
  onPending: () => void = () => {},
): AgentConnection {
  const names = { session: "s", role: "r", agentId: undefined };
  return new AgentConnection(
    { ...names, concurrency: 1, protocol, confirm: true },
    socket,
    onPending,
  );
}

Deno.test("a v1 agent hears something at every heartbeat, a plain one only what is meant for it", () => {
  const [v1, plain] = [new KeptSocket(), new KeptSocket()];
  const agents = [connectionOn(v1, "ourocodus.v1"), connectionOn(plain, "plain")];
  for (let count = 0; count < 3; count++) for (const agent of agents) agent.heartbeat();
  assert.deepEqual(v1.frames, ["", ""], "the first only begins the time without a word");
  assert.deepEqual(plain.frames, []);
  agents[0]?.tell("relay.drain", {});
  agents[0]?.flush(1_000);
  const sent = v1.frames.length;
  agents[0]?.heartbeat();
  assert.equal(v1.frames.length, sent);
});

Deno.test("what is told while a frame is being sent goes out with the next one", () => {
  class TellingSocket extends KeptSocket {
    override send(frame: string): void {
      super.send(frame);
      if (this.frames.length === 1) agent.tell("relay.drain", { seconds: 1 });
    }
  }
  const socket = new TellingSocket();
  const agent = connectionOn(socket, "ourocodus.v1");
  agent.tell("relay.error", {});
  agent.flush(1_000);
  agent.flush(1_000);
  const types = socket.frames.map((frame) => JSON.parse(frame).type);
  assert.deepEqual(types, ["relay.error", "relay.drain"]);
});

Deno.test("a flush sends all that is told, and asks for no other one", () => {
  const socket = new KeptSocket();
  let pending = 0;
  const agent = connectionOn(socket, "ourocodus.v1", () => pending++);
  for (const lease of ["one", "two"]) {
    agent.tellResumed(lease);
    agent.tellStored(lease);
  }
  agent.flush(1_000);
  const types = socket.frames.join("\n").split("\n").map((line) => JSON.parse(line).type);
  assert.deepEqual([types, pending], [["relay.resumed", "relay.stored"], 4]);
});

Deno.test("a lease that is resumed and cancelled in one turn is cancelled", () => {
  const socket = new KeptSocket();
  const agent = connectionOn(socket, "ourocodus.v1");
  for (const lease of ["one", "two"]) agent.tellResumed(lease);
  agent.tellCancelled("one", "cancelled");
  agent.flush(1_000);
  const told = socket.frames.join("\n").split("\n").map((line) => JSON.parse(line).payload);
  assert.deepEqual(told, [{ lease: "one", reason: "cancelled" }, { leases: ["two"] }]);
});

Deno.test("an agent that reads nothing for three heartbeats is closed, one that reads slowly is not", () => {
  for (const protocol of ["plain", "ourocodus.v1"] as const) {
    const [slow, stuck] = [new KeptSocket(), new KeptSocket()];
    const [reading, silent] = [connectionOn(slow, protocol), connectionOn(stuck, protocol)];
    stuck.unreadBytes = 5_000;
    for (let count = 0; count < 10; count++) {
      slow.unreadBytes = 10_000 - count;
      reading.heartbeat();
      if (count < 2) {
        silent.heartbeat();
        assert.equal(silent.closed, false);
      }
    }
    silent.heartbeat();
    assert.deepEqual(stuck.closed, [4001, "5000 bytes wait, and nothing is read"]);
    assert.equal(slow.closed, undefined);
  }
});

Deno.test("a closed agent is sent nothing, and closed once", () => {
  const socket = new KeptSocket();
  const agent = connectionOn(socket, "ourocodus.v1");
  agent.tell("relay.drain", {});
  agent.close({ code: 4000, name: "x", meaning: "going" });
  agent.close({ code: 4500, name: "y", meaning: "other" });
  agent.tell("relay.drain", {});
  agent.flush(1_000);
  agent.heartbeat();
  agent.heartbeat();
  assert.deepEqual([socket.frames, socket.closed], [[], [4000, "going"]]);
  assert.deepEqual([agent.free, agent.takesWork], [0, false]);
});

Deno.test("each agent without a name is given one of its own", () => {
  const ids = [1, 2].map(() => connectionOn(new KeptSocket(), "plain").agentId);
  assert.notEqual(ids[0], ids[1]);
  for (const id of ids) assert.match(id, /^agent-[A-Za-z0-9_-]{1,58}$/);
});
