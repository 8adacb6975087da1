/**
 * As little of a relay as there can be on the same runtime, libraries and frames: work is pulled and
 * results are stored as the relay does, and that is all. Nothing is remembered, checked, recorded,
 * retried or told, so all that the relay promises is missing. What it costs, no relay of this kind
 * can do without.
 *
 * @module
 */
import {
  connect,
  type Connection,
  ensureStreams,
  Publications,
  type RoleQueue,
  WorkQueue,
} from "@ourocodus/bus";
import {
  joinFrames,
  outcomeSubject,
  parseLease,
  RoleId,
  spliceLease,
  splitFrame,
  stripLease,
  SUBPROTOCOL_V1,
} from "@ourocodus/protocol";

/** All agents' work and results. */
class BareRelay {
  readonly inbox: string;
  readonly publications: Publications;
  readonly queue: WorkQueue;
  readonly #dirty = new Set<BareAgent>();
  #scheduled = false;

  constructor(connection: Connection) {
    this.queue = new WorkQueue(connection);
    this.publications = new Publications(connection);
    this.inbox = connection.createInbox();
    connection.subscribe(this.inbox, () => {});
  }

  /** An agent has something to send or to ask for. */
  touch(agent: BareAgent): void {
    this.#dirty.add(agent);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#scheduled = false;
    for (const agent of this.#dirty) agent.endTurn();
    this.#dirty.clear();
    this.publications.send();
  }
}

/** The one agent of its role. */
class BareAgent {
  readonly #relay: BareRelay;
  readonly #socket: WebSocket;
  readonly #concurrency: number;
  readonly #session: string;
  readonly #roleName: string;
  readonly #role: RoleQueue;
  #lines: string[] = [];
  #running = 0;

  constructor(relay: BareRelay, socket: WebSocket, query: URLSearchParams) {
    const session = query.get("session_id") ?? "";
    const role = query.get("role") ?? "";
    this.#relay = relay;
    this.#socket = socket;
    this.#concurrency = Number(query.get("concurrency"));
    this.#session = session;
    this.#roleName = role;
    this.#role = relay.queue.open(new RoleId(session, role), {
      onWork: ({ lease, text = "" }) => {
        JSON.parse(text);
        this.#running++;
        this.#lines.push(spliceLease(text, lease.attempt, lease.subject));
        relay.touch(this);
      },
      onProblem: (reason) => console.error(reason),
    });
    relay.touch(this);
  }

  /** Sends a frame's results on, and acknowledges their work. */
  heard(frame: string): void {
    const { publications, inbox } = this.#relay;
    const lines = splitFrame(frame);
    lines.forEach((line, index) => {
      const { lease } = JSON.parse(line) as { readonly lease: string };
      const headers = `NATS/1.0\r\nNats-Msg-Id: ${lease}\r\n\r\n`;
      const reply = index === lines.length - 1 ? inbox : "";
      const work = parseLease(lease)?.work ?? "";
      const subject = outcomeSubject(this.#session, this.#roleName, work);
      publications.add(subject, stripLease(line, lease), { headers, reply });
      publications.add(lease, "+ACK");
    });
    this.#running -= lines.length;
    this.#relay.touch(this);
  }

  endTurn(): void {
    const frames = joinFrames(this.#lines);
    this.#lines = [];
    for (const frame of frames) this.#socket.send(frame);
    this.#role.want(this.#concurrency - this.#running);
  }
}

const connection = await connect({ url: Deno.env.get("NATS_URL") });
await ensureStreams(connection);
const relay = new BareRelay(connection);
const where = { hostname: "127.0.0.1", port: Number(Deno.env.get("PORT")), onListen: () => {} };
Deno.serve(where, (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/health") return new Response("healthy");
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol: SUBPROTOCOL_V1 });
  socket.onopen = () => {
    const agent = new BareAgent(relay, socket, searchParams);
    socket.onmessage = ({ data }) => agent.heard(data);
  };
  return response;
});
