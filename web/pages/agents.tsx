/**
 * The agents there are.
 *
 * @module
 */
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Agent, AgentList } from "../../api/wire.ts";
import { useAction } from "../action.ts";
import { call } from "../api.ts";
import { Badge } from "../components/badge.tsx";
import { Link } from "../components/link.tsx";
import { Command, Empty, Failure, Loading } from "../components/notice.tsx";
import { Ago, In } from "../components/time.tsx";
import { line, things } from "../format.ts";
import { useResource } from "../resource.ts";
import { address, sessionUrl, setQuery, workUrl } from "../route.ts";

const EVERY_MS = 2_000;
/** How many work items a dialog names. */
const MAX_NAMED = 10;

/** The page. */
export function Agents(): VNode {
  const { data, error, refresh } = useResource<AgentList>("/api/agents", { everyMs: EVERY_MS });
  const [stopping, setStopping] = useState<Agent>();
  const filter = address.value.query.get("q") ?? "";
  const agents = data?.agents.filter((agent) => matches(agent, filter)) ?? [];
  return (
    <>
      <div class="title">
        <h1>Agents</h1>
        <input
          type="search"
          aria-label="Filter agents"
          placeholder="Filter by session, role, id, state"
          value={filter}
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
        />
        {data && <span class="dim">{things(agents.length, "agent")}</span>}
      </div>
      <Failure error={error} />
      {data === undefined && error === undefined && <Loading />}
      {data && data.relays.length === 0 && (
        <p class="note">No relay answers: which agents are connected is not known.</p>
      )}
      {data && data.agents.length === 0 && data.relays.length > 0 && (
        <Empty title="No agent is connected.">
          <Command>ourocodus agent start --session docs --role writer</Command>
        </Empty>
      )}
      {data && data.agents.length > 0 && agents.length === 0 && <Empty title="No agent matches." />}
      {agents.length > 0 && <Table agents={agents} onStop={setStopping} />}
      {stopping && (
        <StopDialog
          agent={stopping}
          onClose={() => {
            setStopping(undefined);
            refresh();
          }}
        />
      )}
    </>
  );
}

function Table(
  { agents, onStop }: {
    readonly agents: readonly Agent[];
    readonly onStop: (agent: Agent) => void;
  },
): VNode {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Agents">
      <table class="folding">
        <thead>
          <tr>
            <th scope="col">Session</th>
            <th scope="col">Role</th>
            <th scope="col">Agent</th>
            <th scope="col">Status</th>
            <th scope="col">Runs in</th>
            <th scope="col">Running</th>
            <th scope="col">Since</th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {agents.map((agent) => (
            <tr key={`${agent.session_id} ${agent.role} ${agent.id}`}>
              <td class="long" data-label="Session">
                <Link href={sessionUrl(agent.session_id)}>{agent.session_id}</Link>
              </td>
              <td class="long" data-label="Role">{agent.role}</td>
              <td class="long heading">
                <code>{agent.name ?? agent.id}</code>
              </td>
              <td>
                <Status agent={agent} />
              </td>
              <td class="dim" data-label="Runs in">
                {agent.runtime}
                {agent.protocol === "plain" && ", plain"}
              </td>
              <td class="number" data-label="Running">
                <Running agent={agent} />
              </td>
              <td class="number" data-label="Since">
                <Ago time={agent.since} />
              </td>
              <td class="actions">
                <button
                  type="button"
                  class="quiet"
                  aria-label={`Stop ${agent.name ?? agent.id}`}
                  onClick={() => onStop(agent)}
                >
                  Stop
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How it is; what it went through stands next to it. */
function Status({ agent }: { readonly agent: Agent }): VNode {
  const { status, paused, exit, restarts } = agent;
  const notes = [
    ...(exit === null ? [] : [exit.signal ?? `code ${exit.code ?? "unknown"}`]),
    ...(restarts === 0 ? [] : [things(restarts, "restart")]),
  ];
  return (
    <>
      {paused === null ? <Badge state={status} /> : (
        <span title={paused.message}>
          <Badge state={paused.reason} /> for <In time={paused.until} />
        </span>
      )}
      {notes.length > 0 && <small class="dim">{notes.join(", ")}</small>}
    </>
  );
}

function Running({ agent }: { readonly agent: Agent }): VNode {
  const [first] = agent.work;
  const text = `${agent.in_hand} of ${agent.concurrency}`;
  if (first === undefined) return <span class="dim">{text}</span>;
  return <Link href={workUrl(agent.session_id, first.sequence)} title={first.id}>{text}</Link>;
}

function StopDialog(
  { agent, onClose }: { readonly agent: Agent; readonly onClose: () => void },
): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const show = (element: HTMLDialogElement | null) => {
    dialog.current = element;
    if (element !== null && !element.open) element.showModal();
  };
  const { busy, error, run } = useAction(async (now: boolean) => {
    const query = new URLSearchParams({ session: agent.session_id, role: agent.role });
    if (now) query.set("now", "true");
    await call(`/api/agents/${encodeURIComponent(agent.id)}?${query}`, { method: "DELETE" });
    onClose();
  });
  const works = agent.in_hand > 0;
  return (
    <dialog ref={show} onClose={onClose} aria-labelledby="stop-title">
      <h2 id="stop-title">Stop {agent.name ?? agent.id}?</h2>
      <p>
        It gets no more work and is told not to come back. {works
          ? `It finishes its running work, ${things(agent.in_hand, "item")}; stopped at once, ` +
            "another agent gets that work:"
          : "It has no running work."}
      </p>
      <ul class="plain">
        {agent.work.slice(0, MAX_NAMED).map(({ sequence, id }) => (
          <li key={sequence}>
            <Link href={workUrl(agent.session_id, sequence)}>{line(id, 60)}</Link>
          </li>
        ))}
        {agent.in_hand > MAX_NAMED && <li>and {agent.in_hand - MAX_NAMED} more</li>}
      </ul>
      <Failure error={error} />
      <div class="buttons">
        <button type="button" class="danger" disabled={busy} onClick={() => run(false)}>
          {works ? "Stop when done" : "Stop"}
        </button>
        {works && (
          <button
            type="button"
            disabled={busy}
            onClick={() => run(true)}
          >
            Stop at once
          </button>
        )}
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>Cancel</button>
      </div>
    </dialog>
  );
}

function matches(agent: Agent, filter: string): boolean {
  const { session_id, role, id, name, status, paused, runtime } = agent;
  const text = [session_id, role, id, name, status, paused?.reason, runtime].join(" ")
    .toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
