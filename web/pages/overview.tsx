/**
 * How all of it is.
 *
 * @module
 */
import { useMemo } from "preact/hooks";
import type { VNode } from "preact";
import type { AgentList, Health, SessionList, Stats } from "../../api/wire.ts";
import { Badge } from "../components/badge.tsx";
import { Chart, type Line } from "../components/chart.tsx";
import { Link } from "../components/link.tsx";
import { Command, Empty, Failure } from "../components/notice.tsx";
import { bytes, count, duration, things } from "../format.ts";
import { useResource } from "../resource.ts";
import { sessionUrl } from "../route.ts";

const STATS_MS = 2_000;
/** How many sessions that need a look are named. */
const MAX_LOOKS = 12;

/** The page. */
export function Overview(): VNode {
  const health = useResource<Health>("/health", { everyMs: STATS_MS });
  const stats = useResource<Stats>("/api/stats", { everyMs: STATS_MS });
  const agents = useResource<AgentList>("/api/agents");
  const sessions = useResource<SessionList>("/api/sessions?limit=1000");
  return (
    <>
      <h1>Overview</h1>
      <Failure error={health.error} />
      {health.data && (
        <Figures
          health={health.data}
          agents={agents.data}
          sessions={sessions.data}
        />
      )}
      {stats.data && <Charts stats={stats.data} />}
      <div class="columns">
        <section aria-labelledby="relays">
          <h2 id="relays">Relays</h2>
          {health.data && <Relays health={health.data} />}
        </section>
        <section aria-labelledby="trouble">
          <h2 id="trouble">Needs a look</h2>
          {sessions.data && (
            <NeedsALook
              sessions={sessions.data}
              agentsKnown={(agents.data?.relays.length ?? 0) > 0}
            />
          )}
        </section>
      </div>
    </>
  );
}

function Figures(
  { health, agents, sessions }: {
    readonly health: Health;
    readonly agents: AgentList | undefined;
    readonly sessions: SessionList | undefined;
  },
): VNode {
  const sum = (of: (session: SessionList["sessions"][number]) => number) =>
    sessions?.sessions.reduce((total, session) => total + of(session), 0);
  const { streams } = health;
  const part = sessions?.next ? `first ${count(sessions.sessions.length)} sessions` : undefined;
  return (
    <dl class="figures">
      <Figure name="System" note={health.reason ?? `version ${health.version}`}>
        <Badge state={health.status} />
      </Figure>
      <Figure name="NATS" note={streams ? `log ${bytes(streams.log.bytes)}` : "cannot be asked"}>
        <Badge state={health.nats} />
      </Figure>
      <Figure name="Agents" note={agents === undefined ? "" : agentStates(agents)}>
        <Link href="/agents">{agents === undefined ? "–" : count(agents.agents.length)}</Link>
      </Figure>
      <Figure name="Waiting" note={part ?? "in the queue"}>
        {shown(sum(({ waiting }) => waiting))}
      </Figure>
      <Figure name="Running" note={part ?? "agents have it"}>
        {shown(sum(({ in_hand }) => in_hand))}
      </Figure>
      <Figure name="Done" note={part ?? "as the log has it"}>
        {shown(sum(({ done }) => done))}
      </Figure>
      <Figure name="Failed" note={part ?? "error results"}>
        {shown(sum(({ failed }) => failed))}
      </Figure>
      <Figure name="Dead" note={part ?? "as dead letters"}>{shown(sum(({ dead }) => dead))}</Figure>
    </dl>
  );
}

/** How many agents do what: `1 at work, 4 free`. */
function agentStates({ agents }: AgentList): string {
  const states = new Map<string, number>();
  for (const { status, in_hand, paused } of agents) {
    const free = paused?.reason ?? "free";
    const state = status !== "connected" ? status : in_hand > 0 ? "at work" : free;
    states.set(state, (states.get(state) ?? 0) + 1);
  }
  return [...states].sort().map(([state, number]) => `${count(number)} ${state}`).join(", ") ||
    "none is connected";
}

function Figure(
  { name, note, children }: {
    readonly name: string;
    readonly note: string;
    readonly children: preact.ComponentChildren;
  },
): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="value">{children}</dd>
      <dd class="note" title={note}>{note}</dd>
    </div>
  );
}

function Charts({ stats }: { readonly stats: Stats }): VNode {
  const { times, throughput, latency, depth } = useMemo(() => linesOf(stats), [stats]);
  return (
    <div class="charts">
      <Chart title="Work per second" times={times} lines={throughput} format={rate} />
      <Chart title="Time to a result" times={times} lines={latency} format={duration} />
      <Chart
        title="Waiting and running"
        times={times}
        lines={depth}
        format={whole}
      />
    </div>
  );
}

function linesOf({ interval_seconds: seconds, points }: Stats): {
  times: number[];
  throughput: Line[];
  latency: Line[];
  depth: Line[];
} {
  // The newest span is not over, so its rate would always fall.
  const over = points.slice(0, -1);
  const line = (
    label: string,
    color: string,
    of: (point: Stats["points"][number]) => number | null,
  ) => ({ label, color, values: over.map(of) });
  return {
    times: over.map(({ time }) => Date.parse(time) / 1_000),
    throughput: [
      line("stored", "--blue", ({ stored }) => stored / seconds),
      line("done", "--green", ({ done }) => done / seconds),
      line("failed or dead", "--red", ({ failed, dead }) => (failed + dead) / seconds),
    ],
    latency: [
      line("median", "--green", ({ latency_p50_ms }) => latency_p50_ms),
      line("99 %", "--amber", ({ latency_p99_ms }) => latency_p99_ms),
    ],
    depth: [line("work items", "--blue", ({ pending }) => pending)],
  };
}

function Relays({ health: { relays, streams } }: { readonly health: Health }): VNode {
  if (streams === null) return <Empty title="Which relays there are is not known now." />;
  if (relays.length === 0) {
    return (
      <Empty title="No relay answers: work is stored, and waits.">
        <Command>ourocodus start</Command>
      </Empty>
    );
  }
  return (
    <ul class="rows">
      {relays.map(({ relay_id, version, agents, in_hand }) => (
        <li key={relay_id}>
          <code>{relay_id}</code>
          <span class="dim">
            {things(agents, "agent")}, {count(in_hand)} running, {version}
          </span>
        </li>
      ))}
    </ul>
  );
}

function NeedsALook(
  { sessions: { sessions, next }, agentsKnown }: {
    readonly sessions: SessionList;
    /** Whether a relay has said who is connected. */
    readonly agentsKnown: boolean;
  },
): VNode {
  const found = sessions.flatMap((session) => {
    const reasons = [
      ...(session.dead > 0 ? [`${count(session.dead)} dead`] : []),
      ...(session.failed > 0 ? [`${count(session.failed)} failed`] : []),
      ...session.roles.filter(({ waiting, agents }) => agentsKnown && waiting > 0 && agents === 0)
        .map(
          ({ role, waiting }) => `${count(waiting)} waiting for an agent of role ${role}`,
        ),
    ];
    return reasons.length === 0 ? [] : [{ name: session.session_id, reasons }];
  });
  const looked = next ? ` of ${count(sessions.length)} sessions; there are more` : "";
  if (found.length === 0) return <p class="dim">Nothing does{looked}.</p>;
  return (
    <ul class="rows">
      {found.slice(0, MAX_LOOKS).map(({ name, reasons }) => (
        <li key={name}>
          <Link href={sessionUrl(name)}>{name}</Link>
          <span class="dim">{reasons.join(", ")}</span>
        </li>
      ))}
      {found.length > MAX_LOOKS && (
        <li>
          <Link href="/sessions">
            and {things(found.length - MAX_LOOKS, "more session")}
            {looked}
          </Link>
        </li>
      )}
    </ul>
  );
}

function shown(value: number | undefined): string {
  return value === undefined ? "–" : count(value);
}

/** Of what comes in pieces only; between them an axis has no labels. */
function whole(value: number): string {
  return Number.isInteger(value) ? count(value) : "";
}

function rate(value: number): string {
  return value === 0 ? "0" : value < 10 ? value.toFixed(1) : count(Math.round(value));
}
