/**
 * The queue of one session and role: hands out its work, exactly as much as was asked for.
 *
 * JetStream's pull requests are used raw: one request for as many messages as agents have free
 * slots, all answers to one inbox. What prototypes measured is in ARCHITECTURE.md.
 *
 * Invariants:
 * 1. `outstanding` is never less than what the server may still deliver without being asked.
 * 2. A role's inbox changes whenever fewer deliveries are wanted than were asked for, and whenever
 *    the connection was lost: the server drops requests nobody listens to, so nothing surplus comes.
 * 3. A consumer is made again when the server says, or its silence shows, that it is gone. Work is
 *    kept by the stream, not by the consumer.
 * 4. A role that has had no work for a while is asleep, without a consumer: for the server one costs,
 *    even if nothing happens, and every acknowledgement in the stream costs a look at each. It is
 *    asleep only while the stream has had nothing for it since it listens, so there is nothing either
 *    that could be handed out again. A role that opens is made ready at once, unless many do.
 *
 * @module
 */
import { type Msg, nanos, type Subscription } from "@nats-io/nats-core";
import {
  decodeUtf8,
  type Lease,
  messageOf,
  parseLease,
  type RoleId,
  WORK_STREAM,
  workSubject,
} from "@ourocodus/protocol";
import type { LimitFunction } from "p-limit";
import type { Connection } from "../connection.ts";
import { MessageHeaders } from "../nats_js/message_headers.ts";
import type { Allowance } from "./allowance.ts";
import { PullRequests, type PullTimes } from "./pull_requests.ts";
import { consumerName, ensureRoleConsumer } from "./role_consumer.ts";
import { WorkAlarm } from "./work_alarm.ts";

/** One work item, delivered. */
export interface Delivery {
  readonly lease: Lease;
  /** The message's text, or `undefined` if it is not UTF-8. */
  readonly text: string | undefined;
}

/** What a role's owner is told. */
export interface RoleListener {
  /** Work has come. Until then it must be acknowledged, released or extended. */
  onWork(delivery: Delivery): void;
  /** The role's consumer cannot be made; it is tried again after a while. */
  onProblem(reason: string): void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const STATUS_RETRY_MS = 250;
/**
 * When the consumer of a role that has neither work nor anybody to do it goes, in milliseconds. Until
 * then it is used at least twice as often where it is needed after all.
 */
const UNNEEDED_MS = 2 * 60_000;
/** Statuses after which the same request succeeds once the consumer is made, or asked, again. */
const CONSUMER_MOVED = /consumer deleted|leadership change|server shutdown/i;

/** What a {@linkcode RoleQueue} needs to know. */
export interface RoleQueueOptions extends PullTimes {
  /** How long a lease lives unless it is extended, in milliseconds. */
  readonly ackWaitMs: number;
  /** When a consumer that nobody uses goes, in milliseconds. */
  readonly inactiveMs: number;
  /** Limits how many consumers are made, and how many roles' work is looked for, at once. */
  readonly creations: LimitFunction;
  /** How many consumers may be made before there is work. */
  readonly ahead: Allowance;
  /** After how long without work a role sleeps, in milliseconds. */
  readonly sleepMs: number;
  readonly onClose: (role: RoleQueue) => void;
}

/**
 * - `looking`: whether the stream has work.
 * - `asleep`: it has none; the role listens for some.
 * - `making`: its consumer is being made, or tried again after a while.
 * - `ready`: it can be pulled from.
 * - `away`: the connection is lost.
 */
type RoleState = "looking" | "asleep" | "making" | "ready" | "away" | "closed";

/** The queue of one session and role. */
export class RoleQueue {
  readonly id: RoleId;
  readonly #connection: Connection;
  readonly #listener: RoleListener;
  readonly #options: RoleQueueOptions;
  readonly #consumer: string;
  readonly #pullSubject: string;
  #state: RoleState = "away";
  #subscription: Subscription | undefined;
  /** Tells of work while there is no consumer. */
  readonly #alarm: WorkAlarm;
  #inbox = "";
  #wanted = 0;
  readonly #pulls: PullRequests;
  #lastPull = 0;
  /** Whether its consumer was asked for, and has not been let go since. */
  #made = false;
  /** Whether work has come since the last sweep. */
  #worked = false;
  /** Since when none has, by `performance.now`. */
  #quietSince = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FIRST_RETRY_MS;

  /** Use {@linkcode WorkQueue.open}. */
  constructor(
    connection: Connection,
    id: RoleId,
    listener: RoleListener,
    options: RoleQueueOptions,
  ) {
    this.id = id;
    this.#connection = connection;
    this.#listener = listener;
    this.#options = options;
    this.#pulls = new PullRequests(options);
    this.#alarm = new WorkAlarm(connection, workSubject(id.session, id.role), () => this.#wake());
    this.#consumer = consumerName(id);
    this.#pullSubject = `$JS.API.CONSUMER.MSG.NEXT.${WORK_STREAM}.${this.#consumer}`;
  }

  /** How many deliveries may still come without another request. */
  get outstanding(): number {
    return this.#pulls.outstanding;
  }

  /**
   * Says how many work items can be taken now. Call it once a turn of the event loop at most:
   * each call may be a request to the server.
   *
   * @param count Free slots, 0 or more.
   */
  want(count: number): void {
    this.#wanted = count;
    if (this.#state !== "ready") return;
    const missing = count - this.#pulls.outstanding;
    if (missing < 0) {
      // Never seen but after slots went away; work that comes anyway is the owner's to hold.
      this.#renewInbox();
    } else if (missing > 0 && missing * 2 >= count) {
      this.#pull(missing);
    }
  }

  /** Starts, or starts over after the connection was restored. */
  begin(): void {
    if (this.#state !== "away") return;
    if (this.#options.ahead.take(performance.now())) void this.#make();
    else void this.#look();
  }

  /** Makes its consumer again, and asks again: its stream was removed and made anew. */
  remake(): void {
    if (this.#state === "ready") void this.#make();
  }

  /** Forgets what was asked for: the connection is lost. */
  forget(): void {
    if (this.#state === "closed") return;
    this.#state = "away";
    clearTimeout(this.#retry);
    this.#alarm.silence();
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#pulls.forget();
  }

  /**
   * Finds requests that ended without a word, keeps the consumer from being removed as unused, and
   * puts a role to sleep that has had no work for a while.
   */
  sweep(now: number): void {
    if (this.#state === "asleep" && now >= this.#alarm.lookAt) void this.#look();
    if (this.#state !== "ready") return;
    if (this.#worked) {
      this.#worked = false;
      this.#quietSince = now;
    } else if (now - this.#quietSince > this.#options.sleepMs) {
      this.#quietSince = now;
      void this.#rest();
    }
    if (this.#pulls.sweep(now)) {
      // What a server had is gone with it, as is what a consumer without a leader was asked.
      void this.#make();
    } else if (now - this.#lastPull > Math.min(this.#options.inactiveMs, UNNEEDED_MS) / 2) {
      this.#touch(now);
    }
  }

  /**
   * Asks for nothing more. Work that is on its way already still comes until this resolves.
   *
   * @param unneeded Nobody here will open it again soon: if it has no work, its consumer may go.
   */
  async close(unneeded = false): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#retry);
    this.#options.onClose(this);
    this.#alarm.silence();
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await drain(subscription);
    if (unneeded && this.#made) await this.#options.creations(() => this.#letGo());
  }

  /**
   * Lets the consumer go soon, if there is no work whose attempts it counts. Not at once: another
   * relay may have the role, and the relay that makes the consumer again keeps it.
   */
  async #letGo(): Promise<void> {
    const state = this.#state;
    if (!this.#connection.connected || await this.#alarm.hasWork()) return;
    // What has woken meanwhile makes it again, and that must be what the server hears last.
    if (this.#state !== state) return;
    this.#made = false;
    // What is wrong does not matter: then it stays.
    await this.#ensureConsumer(Math.min(this.#options.inactiveMs, UNNEEDED_MS));
  }

  /** There was no work for a while: sleeps, unless some runs. */
  async #rest(): Promise<void> {
    const found = await this.#options.creations(() => this.#alarm.hasWork());
    if (!found && this.#state === "ready") await this.#look();
  }

  /** Listens for work, and sleeps if there is none yet. */
  async #look(): Promise<void> {
    this.#state = "looking";
    const { epoch } = this.#connection;
    const stale = () => this.#state !== "looking" || this.#connection.epoch !== epoch;
    this.#alarm.listen();
    const found = await this.#options.creations(async () => {
      return stale() || await this.#alarm.hasWork();
    });
    if (stale()) return;
    if (found) return this.#wake();
    this.#state = "asleep";
    this.#alarm.lookLater(performance.now());
    // Work that is on its way woke the alarm as well.
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#pulls.forget();
    await drain(subscription);
    if (!this.#made) return;
    await this.#options.creations(async () => {
      if (this.#state === "asleep") await this.#letGo();
    });
  }

  #wake(): void {
    this.#alarm.silence();
    if (this.#state === "looking" || this.#state === "asleep") void this.#make();
  }

  async #make(): Promise<void> {
    this.#state = "making";
    clearTimeout(this.#retry);
    const { epoch } = this.#connection;
    const stale = () => this.#state !== "making" || this.#connection.epoch !== epoch;
    const problem = await this.#options.creations(async () => {
      if (stale()) return;
      this.#made = true;
      return await this.#ensureConsumer();
    });
    if (stale()) return;
    if (problem !== undefined) {
      this.#listener.onProblem(problem);
      this.#retry = setTimeout(() => void this.#make(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      return;
    }
    this.#retryMs = FIRST_RETRY_MS;
    this.#state = "ready";
    this.#lastPull = performance.now();
    this.#quietSince = this.#lastPull;
    this.#renewInbox();
  }

  async #ensureConsumer(inactiveMs = this.#options.inactiveMs): Promise<string | undefined> {
    const { ackWaitMs } = this.#options;
    return await ensureRoleConsumer(this.#connection, this.id, { ackWaitMs, inactiveMs });
  }

  /** Listens on a new inbox and asks there for what is wanted; requests to the old one lapse. */
  #renewInbox(): void {
    const old = this.#subscription;
    const inbox = this.#connection.createInbox();
    this.#inbox = inbox;
    this.#subscription = this.#connection.subscribe(`${inbox}.*`, (error, msg) => {
      this.#pulls.heard();
      if (error) this.#listener.onProblem(`Cannot listen for work: ${messageOf(error)}`);
      else if (msg.reply) this.#received(msg, inbox === this.#inbox);
      else if (inbox === this.#inbox) this.#ended(msg);
    });
    void drain(old);
    this.#pulls.forget();
    if (this.#wanted > 0) this.#pull(this.#wanted);
  }

  #pull(batch: number): void {
    const now = performance.now();
    const second = this.#pulls.asked(batch, now);
    const { pullExpiresMs, heartbeatMs } = this.#options;
    const times = { expires: nanos(pullExpiresMs), idle_heartbeat: nanos(heartbeatMs) };
    this.#request({ batch, ...times }, now, second);
  }

  /** A request that can deliver nothing (no message is this small) but counts as use. */
  #touch(now: number): void {
    this.#request({ batch: 1, max_bytes: 1, no_wait: true }, now, 0);
  }

  #request(body: PullRequest, now: number, second: number): void {
    this.#lastPull = now;
    this.#connection.nats.publish(this.#pullSubject, JSON.stringify(body), {
      // The last token comes back with the request's status.
      reply: `${this.#inbox}.${second}-${body.batch}`,
    });
  }

  /** @param counted Whether it was asked for on the present inbox. */
  #received(msg: Msg, counted: boolean): void {
    this.#worked = true;
    if (counted) this.#pulls.delivered();
    // A request may end in this very turn, before the owner says what it wants now.
    if (this.#wanted > 0) this.#wanted--;
    const lease = parseLease(msg.reply ?? "");
    if (lease === undefined) return;
    this.#listener.onWork({ lease, text: decodeUtf8(msg.data) });
  }

  /** A pull request has ended before all that it asked for was there. */
  #ended(msg: Msg): void {
    const [second = 0, batch = 0] = (msg.subject.split(".").at(-1) ?? "").split("-").map(Number);
    if (second === 0 || this.#state !== "ready") return;
    const headers = new MessageHeaders(msg);
    const { code, description } = headers.status;
    if (code === 100 || /batch completed/i.test(description)) return;
    const undelivered = Number(headers.last("Nats-Pending-Messages") ?? batch);
    this.#pulls.ended(second, undelivered);
    if (code === 408 || code === 404) this.want(this.#wanted);
    else if (code === 409 && CONSUMER_MOVED.test(description)) void this.#make();
    else this.#makeLater(`${code} ${description}`);
  }

  #makeLater(status: string): void {
    this.#listener.onProblem(`Cannot pull from consumer ${this.#consumer}: ${status.trim()}`);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#make(), STATUS_RETRY_MS);
  }
}

/** NATS' ADR-13, JetStream Pull Requests. */
interface PullRequest {
  readonly batch: number;
  /** Nanoseconds. */
  readonly expires?: number;
  /** Nanoseconds. */
  readonly idle_heartbeat?: number;
  readonly max_bytes?: number;
  readonly no_wait?: boolean;
}

/** Stops a subscription; what the server has sent already is still delivered. */
async function drain(subscription: Subscription | undefined): Promise<void> {
  if (subscription === undefined || subscription.isClosed()) return;
  await subscription.drain().catch(() => {});
}
