/**
 * One session: its roles, its work, its results, its dead letters.
 *
 * @module
 */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type {
  DeadLetterList,
  LogItem,
  PendingWorkList,
  ResultList,
  Session as SessionState,
} from "../../api/wire.ts";
import { Badge } from "../components/badge.tsx";
import { CancelDialog, type Cancellable } from "../components/cancel_dialog.tsx";
import { Link } from "../components/link.tsx";
import { Empty, Failure, Loading } from "../components/notice.tsx";
import { Retry } from "../components/retry.tsx";
import { Ago, LongAgo } from "../components/time.tsx";
import { line } from "../format.ts";
import { headlineOf } from "../headline.ts";
import { useResource } from "../resource.ts";
import { address, sessionUrl, setQuery, workUrl } from "../route.ts";
import { Cell } from "./sessions.tsx";

const EVERY_MS = 2_000;
/** How often to ask for a list, which may be large, though nothing has happened in its session. */
const UNCHANGED_EVERY_MS = 60_000;
const PAGE = 50;
const TABS = [["work", "Work"], ["results", "Results"], ["dead", "Dead letters"]] as const;

/** The page. */
export function Session({ name }: { readonly name: string }): VNode {
  const api = `/api/sessions/${encodeURIComponent(name)}`;
  const { data, error } = useResource<SessionState>(api, { everyMs: EVERY_MS });
  const { query } = address.value;
  const tab = query.get("show") ?? "work";
  const Tab = tab === "results" ? Results : tab === "dead" ? DeadLetters : Pending;
  return (
    <>
      <p class="crumbs">
        <Link href="/sessions">Sessions</Link>
      </p>
      <div class="title">
        <h1>{name}</h1>
        {data && (
          <span class="dim">
            last activity <LongAgo time={data.last_activity} />
          </span>
        )}
        <Link href={`/events?session=${name}`}>Events</Link>
        <Link href={`/send?session=${name}`}>Send work</Link>
      </div>
      <Failure error={error} />
      {data && <Roles roles={data.roles} />}
      <nav class="tabs" aria-label={`What of session ${name}`}>
        {TABS.map(([id, label]) => (
          <Link key={id} href={`${sessionUrl(name)}?show=${id}`} current={tab === id}>{label}</Link>
        ))}
      </nav>
      {(data || error) && <Tab api={api} session={name} version={JSON.stringify(data) ?? ""} />}
    </>
  );
}

function Roles({ roles }: { readonly roles: SessionState["roles"] }): VNode {
  if (roles.length === 0) return <Empty title="It has no work and no agents." />;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Roles">
      <table class="folding">
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Agents</th>
            <th scope="col">Waiting</th>
            <th scope="col">Running</th>
            <th scope="col">Done</th>
            <th scope="col">Failed</th>
            <th scope="col">Dead</th>
            <th scope="col">Cancelled</th>
          </tr>
        </thead>
        <tbody>
          {roles.map((role) => (
            <tr key={role.role}>
              <td class="long heading">{role.role}</td>
              <Cell label="Agents" value={role.agents} />
              <Cell
                label="Waiting"
                value={role.waiting}
                tone={role.agents === 0 ? "warn" : undefined}
              />
              <Cell label="Running" value={role.in_hand} tone="busy" />
              <Cell label="Done" value={role.done} />
              <Cell label="Failed" value={role.failed} tone="bad" />
              <Cell label="Dead" value={role.dead} tone="bad" />
              <Cell label="Cancelled" value={role.cancelled} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TabProps {
  readonly api: string;
  readonly session: string;
  /** Changes when anything happens in the session. */
  readonly version: string;
}

function Pending({ api, session, version }: TabProps): VNode {
  const after = address.value.query.get("after") ?? "";
  const path = `${api}/work?limit=${PAGE}${after && `&after=${after}`}`;
  const { data, error, refresh } = useResource<PendingWorkList>(path, {
    everyMs: UNCHANGED_EVERY_MS,
    version,
  });
  const [cancelling, setCancelling] = useState<Cancellable>();
  if (data === undefined) return error ? <Failure error={error} /> : <Loading />;
  return (
    <>
      {cancelling && (
        <CancelDialog
          work={cancelling}
          onClose={() => {
            setCancelling(undefined);
            refresh();
          }}
        />
      )}
      {data.work.length === 0 && <Empty title="Nothing waits, and nothing runs." />}
      <ul class="rows work">
        {data.work.map((work) => (
          <li key={work.work_sequence}>
            <Badge state={work.state} />
            <Link href={workUrl(session, work.work_sequence)}>
              {line(work.id ?? "no message", 60)}
            </Link>
            <span class="dim preview">{work.role} · {line(JSON.stringify(work.payload), 120)}</span>
            <span class="dim">
              {work.agent_id && `${work.agent_id}, attempt ${work.attempt}, `}
            </span>
            {work.silent_since !== null && <Badge state="silent" />}
            <Ago time={work.since ?? work.stored_at} />
            <button
              type="button"
              class="quiet"
              aria-label={`Cancel ${line(work.id ?? `work ${work.work_sequence}`, 60)}`}
              onClick={() => setCancelling(work)}
            >
              Cancel
            </button>
          </li>
        ))}
      </ul>
      <Pages first={after !== ""} next={data.next} name="after" />
    </>
  );
}

function Results({ api, session, version }: TabProps): VNode {
  const before = address.value.query.get("before") ?? "";
  const path = `${api}/results?limit=${PAGE}${before && `&before=${before}`}`;
  const { data, error } = useResource<ResultList>(path, { everyMs: UNCHANGED_EVERY_MS, version });
  if (data === undefined) return error ? <Failure error={error} /> : <Loading />;
  if (data.results.length === 0) return <Empty title="There is no result yet." />;
  return (
    <>
      <ul class="rows work">
        {data.results.map((result) => (
          <li key={result.sequence}>
            <Badge state={result.outcome ?? "done"} />
            <Link href={linkOf(session, result)}>{line(result.id ?? "no message", 60)}</Link>
            <span class="dim preview">
              {result.role} · {line(headlineOf(result), 160)}
            </span>
            <Ago time={result.time} />
          </li>
        ))}
      </ul>
      <Pages first={before !== ""} next={data.next_before} name="before" />
    </>
  );
}

function DeadLetters({ api, session, version }: TabProps): VNode {
  const { query } = address.value;
  const all = query.get("all") === "true";
  const before = query.get("before") ?? "";
  const { data, error, refresh } = useResource<DeadLetterList>(
    `${api}/dead?limit=${PAGE}&all=${all}${before && `&before=${before}`}`,
    { everyMs: UNCHANGED_EVERY_MS, version },
  );
  if (data === undefined) return error ? <Failure error={error} /> : <Loading />;
  return (
    <>
      <label class="check">
        <input
          type="checkbox"
          checked={all}
          onChange={(event) =>
            setQuery({ all: event.currentTarget.checked ? "true" : "", before: "" })}
        />
        Also those that were sent again
      </label>
      {data.dead.length === 0 && <Empty title="No work is dead." />}
      <ul class="rows work">
        {data.dead.map((letter) => (
          <li key={letter.sequence}>
            <Badge state="dead" />
            <Link href={workUrl(session, letter.work_sequence)}>
              {line(letter.id ?? letter.text ?? "no message", 60)}
            </Link>
            <span class="dim preview">
              {letter.role} · {line(letter.error || letter.reason, 160)}
            </span>
            <Ago time={letter.time} />
            {letter.requeued_as === null
              ? <Retry work={letter} onDone={refresh} />
              : <Link href={workUrl(session, letter.requeued_as)}>sent again</Link>}
          </li>
        ))}
      </ul>
      <Pages first={before !== ""} next={data.next_before} name="before" />
    </>
  );
}

function Pages(
  { first, next, name }: {
    readonly first: boolean;
    readonly next: number | null;
    readonly name: string;
  },
): VNode {
  return (
    <p class="buttons">
      {first && <button type="button" onClick={() => setQuery({ [name]: "" })}>First page</button>}
      {next !== null && (
        <button type="button" onClick={() => setQuery({ [name]: String(next) })}>Next page</button>
      )}
    </p>
  );
}

function linkOf(session: string, { work_sequence }: LogItem): string {
  return work_sequence === undefined ? sessionUrl(session) : workUrl(session, work_sequence);
}
