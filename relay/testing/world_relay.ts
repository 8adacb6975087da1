import assert from "node:assert/strict";
import { type AttemptRecord, type Lease, NO_ATTEMPTS } from "@ourocodus/protocol";
import type { AgentConnection } from "../agent_connection.ts";
import type { Attempt } from "../attempt.ts";
import type { Resuming } from "../attempt_state.ts";
import { FakeEffects } from "./fake_effects.ts";
import type { WorldQueue } from "./world_queue.ts";

/** What a relay's attempts ask of the queue, and of other relays. */
export interface Neighbours {
  readonly queue: WorldQueue;
  /** Answers of which agents were told what became. */
  told: number;
  released(attempt: Attempt): void;
  tellReleased(attempt: Attempt): void;
}

/** What is asked for an agent that says what it has. */
export interface Asked {
  readonly attempt: Attempt;
  readonly asked: Resuming;
  /** Whether another relay objects; unknown while NATS is away. */
  objects?: boolean;
}

/** A relay: attempts, the real ones, on effects that only the world ends. */
export class WorldRelay extends FakeEffects {
  readonly #world: Neighbours;
  readonly resumptions: Asked[] = [];
  /** Work items that were released lately: by which attempt, and what that has left. */
  readonly releasedWork: Map<string, { readonly attempt: number; readonly record: AttemptRecord }> =
    new Map();
  natsIsAway = false;
  /** Whether its role has more slots, or fewer, in this turn. */
  changed = false;
  /** How much was asked for and has not come. */
  wanted = 0;
  readonly pendingReleases: Attempt[] = [];

  constructor(world: Neighbours, maxDeliver: number) {
    super();
    this.#world = world;
    this.maxDeliver = maxDeliver;
  }

  override slotsChanged(agent: AgentConnection): void {
    super.slotsChanged(agent);
    this.changed = true;
  }

  override roleChanged(): void {
    this.changed = true;
  }

  override store(...args: Parameters<FakeEffects["store"]>): void {
    const [{ state, holder }] = args;
    assert.ok(state === "settling" || (state === "running" && holder?.v1 === false));
    super.store(...args);
  }

  override deadLetter(...args: Parameters<FakeEffects["deadLetter"]>): void {
    assert.equal(args[0].state, "settling");
    super.deadLetter(...args);
  }

  override tellSettled(): void {
    this.#world.told++;
  }

  override tellDuplicate(): void {
    this.#world.told++;
  }

  override extend({ lease }: Attempt): void {
    if (!this.natsIsAway) this.#world.queue.extend(lease);
  }

  override release(attempt: Attempt, _: number, recorded: boolean): void {
    this.#world.tellReleased(attempt);
    const { lease, record } = attempt;
    // Nothing is lost of what is stored, however long NATS is away.
    if (recorded) this.#world.queue.of(lease).record = record;
    if (this.natsIsAway) this.pendingReleases.push(attempt);
    else this.#world.released(attempt);
  }

  override storeRecord({ lease, record }: Attempt): void {
    this.#world.queue.of(lease).record = record;
  }

  override putOff(attempt: Attempt): void {
    if (this.natsIsAway) this.pendingReleases.push(attempt);
    else this.#world.released(attempt);
  }

  override putBack(lease: Lease): void {
    if (!this.natsIsAway) this.#world.queue.release(lease);
  }

  override read({ lease }: Attempt, onRead: (text: string | undefined) => void): void {
    super.read({} as Attempt, () => {
      const found = this.#world.queue.find(lease);
      onRead(found.kind === "gone" ? undefined : new TextDecoder().decode(found.data));
    });
  }

  override acknowledge(lease: Lease): void {
    this.#world.queue.acknowledge(lease);
  }

  override finish({ lease }: Attempt): void {
    this.#world.queue.acknowledge(lease);
  }

  recordOf({ work, attempt }: Lease): AttemptRecord | undefined {
    if (attempt === 1) return NO_ATTEMPTS;
    const released = this.releasedWork.get(work);
    return released?.attempt === attempt - 1 ? released.record : undefined;
  }

  noteReleased({ lease: { work, attempt }, record }: Attempt): void {
    this.releasedWork.set(work, { attempt, record });
  }
}
