/**
 * The sessions there are.
 *
 * @module
 */
import type { VNode } from "preact";
import type { SessionList } from "../../api/wire.ts";
import { Link } from "../components/link.tsx";
import { Command, Empty, Failure, Loading } from "../components/notice.tsx";
import { Ago } from "../components/time.tsx";
import { count, things } from "../format.ts";
import { useResource } from "../resource.ts";
import { address, sessionUrl, setQuery } from "../route.ts";

/** The page. */
export function Sessions(): VNode {
  const { query } = address.value;
  const after = query.get("after") ?? "";
  const path = `/api/sessions?limit=200${after === "" ? "" : `&after=${after}`}`;
  const { data, error } = useResource<SessionList>(path, { everyMs: 3_000 });
  return (
    <>
      <div class="title">
        <h1>Sessions</h1>
        {data && (
          <span class="dim">
            {things(data.sessions.length, "session")}
            {data.next && ", and more"}
          </span>
        )}
      </div>
      <Failure error={error} />
      {data === undefined && error === undefined && <Loading />}
      {data?.sessions.length === 0 && (
        <Empty title="There is no session yet. The first work item, or agent, makes one.">
          <Command>ourocodus send work --session docs --role writer --message hello</Command>
        </Empty>
      )}
      {data && data.sessions.length > 0 && <Table sessions={data.sessions} />}
      <p class="buttons">
        {after !== "" && (
          <button type="button" onClick={() => setQuery({ after: "" })}>First page</button>
        )}
        {data?.next && (
          <button type="button" onClick={() => setQuery({ after: data.next ?? "" })}>
            Next page
          </button>
        )}
      </p>
    </>
  );
}

function Table({ sessions }: { readonly sessions: SessionList["sessions"] }): VNode {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Sessions">
      <table class="folding">
        <thead>
          <tr>
            <th scope="col">Session</th>
            <th scope="col">Agents</th>
            <th scope="col">Waiting</th>
            <th scope="col">Running</th>
            <th scope="col">Done</th>
            <th scope="col">Failed</th>
            <th scope="col">Dead</th>
            <th scope="col">Cancelled</th>
            <th scope="col">Last activity</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.session_id}>
              <td class="long heading">
                <Link href={sessionUrl(session.session_id)}>{session.session_id}</Link>
              </td>
              <Cell label="Agents" value={session.agents} />
              <Cell
                label="Waiting"
                value={session.waiting}
                tone={session.agents === 0 ? "warn" : undefined}
              />
              <Cell label="Running" value={session.in_hand} tone="busy" />
              <Cell label="Done" value={session.done} />
              <Cell label="Failed" value={session.failed} tone="bad" />
              <Cell label="Dead" value={session.dead} tone="bad" />
              <Cell label="Cancelled" value={session.cancelled} />
              <td class="number" data-label="Last activity">
                <Ago time={session.last_activity} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A number in a table; nothing is quiet. Where the table is folded, its label stands before it. */
export function Cell(
  { label, value, tone }: {
    readonly label: string;
    readonly value: number;
    readonly tone?: string;
  },
): VNode {
  const look = value === 0 ? "dim" : tone ?? "";
  return <td class={`number ${look}`} data-label={label}>{count(value)}</td>;
}
