import assert from "node:assert/strict";
import { AGENT_TYPE, parseLease, RELAY_TYPE } from "@ourocodus/protocol";
import type { AgentConnection } from "../agent_connection.ts";
import type { Attempt } from "../attempt.ts";
import type { KeptAgent } from "./fake_effects.ts";
import type { Asked, WorldRelay } from "./world_relay.ts";

/** What an agent meets besides relays. */
export interface Surroundings {
  readonly Attempt: typeof Attempt;
  /** Answers that relays have heard. */
  heard: number;
  /** Ends of sockets that nobody has noticed yet. */
  readonly halfOpen: (() => void)[];
  /** What agents have said too early. */
  readonly said: { readonly connection: KeptAgent; heard: boolean }[];
  socketLost(relay: WorldRelay, agent: AgentConnection, code: number): void;
  askOthers(relay: WorldRelay, resumption: Asked): void;
}

/** An agent, which keeps its work whatever becomes of its sockets. */
export class WorldAgent {
  readonly #world: Surroundings;
  readonly name: string | undefined;
  readonly v1: boolean;
  /** The relay of its first connection, by its place. */
  home = 0;
  /** What it works on: the lease, or in the plain protocol the id. */
  readonly working = new Set<string>();
  /** Leases that it has named, and that are not answered. */
  readonly named = new Set<string>();
  /** Leases that it has answered. */
  readonly answered = new Set<string>();
  connection: KeptAgent | undefined;
  relay: WorldRelay | undefined;
  /** Whether what it is sent does not arrive any more, which nobody has noticed. */
  isDeaf = false;

  constructor(world: Surroundings, name: string | undefined, v1: boolean) {
    this.#world = world;
    this.name = name;
    this.v1 = v1;
  }

  connect(relay: WorldRelay): void {
    if (relay.draining) return;
    const older = this.name === undefined ? undefined : relay.connected.get(this.name);
    const { connection, relay: left } = this;
    // Nobody has noticed that the socket to another relay is gone.
    if (connection !== undefined && left !== undefined && connection !== older) {
      this.#world.halfOpen.push(() => this.#world.socketLost(left, connection, 1006));
    }
    const agent = relay.agent({ agentId: this.name, v1: this.v1, concurrency: 2 });
    this.connection = agent;
    this.relay = relay;
    this.named.clear();
    this.isDeaf = false;
    const back = [...relay.attempts.awayOf(agent), ...older?.attempts() ?? []];
    older?.replaced();
    for (const attempt of back) attempt.agentBack(agent);
    if (older !== undefined) this.#world.socketLost(relay, older, 4003);
    assert.equal(relay.attempts.awayOf(agent).length, 0, "what it may have is its own, or is not");
    relay.slotsChanged(agent);
    if (this.v1) this.#resume();
    else if (this.name === undefined) this.working.clear();
  }

  /** Its socket ends. */
  disconnect(code = 1006): void {
    const { connection, relay } = this;
    this.connection = this.relay = undefined;
    this.isDeaf = false;
    this.named.clear();
    // A plain agent that forgets cannot say so.
    const forgets = code === 1000 && (this.v1 || connection !== undefined);
    if (forgets || this.name === undefined) this.working.clear();
    if (connection !== undefined && relay !== undefined) {
      this.#world.socketLost(relay, connection, code);
    }
  }

  /** Hears what it was sent. */
  hear(): void {
    const { connection } = this;
    if (connection === undefined || this.isDeaf) return;
    connection.flush(Infinity);
    for (const frame of connection.frames.splice(0)) {
      for (const line of frame.split("\n")) this.#message(JSON.parse(line));
    }
    if (connection.closed) this.disconnect(connection.end.code);
  }

  /** Says something about one of the things that it works on. */
  answer(which: number, retries: boolean): void {
    const { connection } = this;
    const reference = [...this.working][which % Math.max(1, this.working.size)];
    if (reference === undefined || connection === undefined || this.isDeaf) return;
    this.working.delete(reference);
    this.answered.add(reference);
    const named = this.v1 ? { id: "", lease: reference } : { id: reference };
    const attempt = connection.find({ ...named, type: "", payload: {} });
    const hear = () => {
      // What this connection has not, comes late: answers.ts, not the machine, sees to that.
      const now = connection.find({ ...named, type: "", payload: {} });
      if (now === undefined) return;
      now.named();
      if (retries) {
        return now.retried({ code: "retry", message: "" }, { delayMs: 0, charged: true });
      }
      this.#world.heard++;
      now.answered({ text: "{}", type: AGENT_TYPE.result });
    };
    if (attempt?.state !== "resuming") return hear();
    const said = { connection, heard: false };
    this.#world.said.push(said);
    attempt.defers({
      characters: 2,
      hear: () => {
        said.heard = true;
        hear();
      },
    });
  }

  #resume(): void {
    const { connection, relay } = this;
    if (connection === undefined || relay === undefined) return;
    connection.hasResumed = true;
    const leases = [...this.working];
    for (const attempt of connection.attempts()) {
      if (!this.working.has(attempt.offered)) attempt.notNamed();
    }
    for (const text of leases) {
      const lease = parseLease(text);
      assert.ok(lease);
      this.named.add(text);
      let attempt = relay.attempts.find(lease);
      if (attempt === undefined) {
        relay.extend({ lease } as Attempt);
        attempt = new this.#world.Attempt(lease, connection, relay);
        relay.attempts.claim(attempt);
      }
      const asked = attempt.resumed(connection, lease);
      if (asked === undefined) continue;
      const resumption = { attempt, asked };
      relay.resumptions.push(resumption);
      if (!relay.natsIsAway) this.#world.askOthers(relay, resumption);
    }
  }

  #message(
    { type, id, lease, payload }: {
      type: string;
      id: string;
      lease?: string;
      payload: { lease?: string; leases?: string[] };
    },
  ): void {
    switch (type) {
      case RELAY_TYPE.resumed:
        for (const one of payload.leases ?? []) {
          assert.ok(this.named.delete(one), "it is answered once, and only what was asked");
        }
        return;
      case RELAY_TYPE.cancel: {
        const one = payload.lease ?? "";
        const concerns = this.named.delete(one) || this.working.has(one) || this.answered.has(one);
        assert.ok(concerns, "only what it has is cancelled, and once");
        this.working.delete(one);
        return;
      }
      case "work":
        this.working.add(lease ?? id);
    }
  }
}
