/**
 * What agents leave behind when their sockets are gone, and find when they come back.
 *
 * @module
 */
import { CLOSE, type Lease, mayReconnect } from "@ourocodus/protocol";
import { type AgentConnection, agentKey } from "./agent_connection.ts";
import type { Offers } from "./offers.ts";
import type { OutcomeReader } from "./outcome_reader.ts";
import type { Turn } from "./turn.ts";
import { monotonicMs, type Work } from "./work.ts";
import type { Works } from "./works.ts";

const DECODER = new TextDecoder();

/** What {@linkcode LeftWork} needs. */
export interface LeftWorkOptions {
  readonly works: Works;
  /** The connection of an agent of the same name, if there is one. */
  readonly connected: (agent: AgentConnection) => AgentConnection | undefined;
  /** Whether this relay goes away. */
  readonly draining: () => boolean;
  readonly offers: Offers;
  readonly outcomeReader: OutcomeReader;
  readonly turn: Turn;
}

/**
 * What was sent so long before a socket's end has arrived, in milliseconds: a ping that was sent after
 * it was answered, or the socket would have ended before.
 */
const ARRIVED_MS = 45_000;

/** Decides what becomes of it. */
export class LeftWork {
  readonly #options: LeftWorkOptions;

  constructor(options: LeftWorkOptions) {
    this.#options = options;
  }

  /** An agent of this name was connected before, or still is: it goes on with what it has. */
  comesBack(agent: AgentConnection, older: AgentConnection | undefined): void {
    const { works } = this.#options;
    const left = works.takeHeld(agentKey(agent));
    const inHand = [...older?.works() ?? []].filter(({ state }) => state === "in_hand");
    noteLosses(inHand);
    left.push(...inHand);
    for (const work of left) {
      // Another protocol is another program, to which its leases mean nothing.
      if (!agent.named || work.v1 !== agent.v1) {
        works.retry(work, {
          code: "disconnected",
          message: "the agent came back without it",
        });
        continue;
      }
      work.holder?.release(work);
      if (agent.v1) agent.inherit(work);
      else {
        agent.adopt(work);
        if (work.mayBeLost) void this.#sendAgain(agent, work);
      }
    }
  }

  /** A plain agent cannot say that work has not arrived; without another word it would have it forever. */
  async #sendAgain(agent: AgentConnection, work: Work): Promise<void> {
    const { outcomeReader, turn } = this.#options;
    const data = await outcomeReader.waiting(work.lease);
    // It may have been answered, or its agent gone, meanwhile.
    if (data === undefined || work.holder !== agent || work.state !== "in_hand") return;
    agent.sendWork(work, DECODER.decode(data));
    turn.agent(agent);
  }

  /** An agent has gone and has left work behind. */
  left(agent: AgentConnection, left: readonly Work[]): void {
    const { works, connected, draining } = this.#options;
    const { code, reason } = agent.end;
    if (!agent.named || !works.hasGrace || !mayComeBack(code)) {
      for (const work of left) works.retry(work, { code: "disconnected", message: reason });
    } else if (draining()) {
      for (const work of left) this.drained(work);
    } else {
      // Kept, unless it is back already.
      const back = connected(agent);
      noteLosses(left);
      works.hold(agentKey(agent), left, reason);
      if (back !== undefined) this.comesBack(back, undefined);
    }
  }

  /** This relay goes away, and an agent still has this work: it resumes it at another, if it can. */
  drained(work: Work): void {
    const { works } = this.#options;
    if (work.v1 && work.holder?.named !== false) works.leave(work);
    else works.giveBack(work, "draining");
  }

  /** An agent resumes a lease at another relay. @returns Whether another agent has its work here. */
  objectsTo(lease: Lease, agentId: string): boolean {
    const { works, offers } = this.#options;
    const work = works.find(lease);
    if (work === undefined) return false;
    if (work.state === "waiting") {
      offers.drop(work);
      works.forget(work);
      return false;
    }
    const left = work.state === "in_hand" || work.state === "held" || work.state === "resuming";
    if (!left || work.agentId !== agentId) return true;
    const { holder } = work;
    works.forget(work);
    // The socket of an agent that is elsewhere now can only be half open.
    holder?.close(CLOSE.replaced);
    return false;
  }
}

/** The socket of a plain agent ends now, or has been replaced: notes which of its work that may have lost. */
function noteLosses(works: readonly Work[]): void {
  const now = monotonicMs();
  for (const work of works) work.mayBeLost = !work.v1 && now - work.sentAt < ARRIVED_MS;
}

/**
 * Whether an agent whose socket ended like this may still have its work: not if it said goodbye
 * itself (1000, 1001), broke the protocol, or was sent away for good.
 */
function mayComeBack(code: number): boolean {
  const ended: readonly number[] = [
    ...[1000, 1001],
    ...[CLOSE.invalidFrame.code, CLOSE.frameTooLarge.code],
  ];
  return mayReconnect(code) && !ended.includes(code);
}
