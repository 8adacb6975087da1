/**
 * Where one work item is.
 *
 * @module
 */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { TraceStep, WorkAnswer, WorkTrace } from "../../api/wire.ts";
import { isHandedOut } from "../../protocol/events.ts";
import { Badge } from "../components/badge.tsx";
import { CancelDialog, type Cancellable } from "../components/cancel_dialog.tsx";
import { Link } from "../components/link.tsx";
import { Empty, Failure, Loading } from "../components/notice.tsx";
import { LongText, Payload } from "../components/payload.tsx";
import { Result } from "../components/result.tsx";
import { Retry } from "../components/retry.tsx";
import { Ago, Clock } from "../components/time.tsx";
import { duration, line, visible } from "../format.ts";
import { useResource } from "../resource.ts";
import { sessionUrl, workUrl } from "../route.ts";

const EVERY_MS = 1_000;
const FINISHED_EVERY_MS = 15_000;
const UNFINISHED = ["waiting", "in_hand"];

/** The page. @param path Where the API tells of the work. */
export function Work({ path }: { readonly path: string }): VNode {
  const [cancelling, setCancelling] = useState<Cancellable>();
  const { data, error, refresh } = useResource<WorkTrace & Partial<WorkAnswer>>(path, {
    everyMs: ({ state }) => UNFINISHED.includes(state) ? EVERY_MS : FINISHED_EVERY_MS,
  });
  if (data === undefined) {
    return (
      <>
        <h1>Work</h1>
        {error?.status === 404 ? <Empty title={error.message} /> : <Failure error={error} />}
        {error === undefined && <Loading />}
      </>
    );
  }
  return (
    <>
      <p class="crumbs">
        <Link href="/sessions">Sessions</Link> /{" "}
        <Link href={sessionUrl(data.session_id)}>{data.session_id}</Link> / {data.role}
      </p>
      <div class="title">
        <h1 class="id">{line(data.id ?? `work ${data.work_sequence}`, 128)}</h1>
        <Badge state={data.state} />
        <span class="dim">sequence {data.work_sequence}</span>
        {UNFINISHED.includes(data.state)
          ? <button type="button" onClick={() => setCancelling(data)}>Cancel</button>
          : data.retried_as === null && <Retry work={data} />}
      </div>
      {cancelling && (
        <CancelDialog
          work={cancelling}
          onClose={() => {
            setCancelling(undefined);
            refresh();
          }}
        />
      )}
      <p class="lead">{sentence(data)}</p>
      {data.note && <p class="note">{visible(data.note)}</p>}
      <Failure error={error} />
      {data.dead_letter && (
        <p class="note">{visible(data.dead_letter.error || data.dead_letter.reason)}</p>
      )}
      {data.retry_of !== null && (
        <p class="note">
          It is a retry of{" "}
          <Link href={workUrl(data.session_id, data.retry_of)}>sequence {data.retry_of}</Link>.
        </p>
      )}
      {data.retried_as !== null && (
        <p class="note">
          <Link href={workUrl(data.session_id, data.retried_as)}>It was sent again</Link>.
        </p>
      )}
      <div class="columns wide">
        <section aria-labelledby="timeline">
          <h2 id="timeline">What happened</h2>
          <Timeline history={data.history} />
        </section>
        <section aria-labelledby="message">
          <h2 id="message">What was asked for</h2>
          <Message trace={data} />
          {data.result && (
            <>
              <h2>{data.result.type === "error" ? "Error" : "Result"}</h2>
              <Result item={data.result} />
            </>
          )}
        </section>
      </div>
      {data.same_id && data.same_id.length > 0 && (
        <section aria-labelledby="same">
          <h2 id="same">Older work with the same id</h2>
          <ul class="rows">
            {data.same_id.map((other) => (
              <li key={other.work_sequence}>
                <Badge state={other.state} />
                <Link href={workUrl(other.session_id, other.work_sequence)}>
                  {other.session_id} / {other.role}, sequence {other.work_sequence}
                </Link>
                <Ago time={other.stored_at} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function sentence(trace: WorkTrace): VNode {
  const { state, agent_id: agent, attempts, stored_at, result, history } = trace;
  const end = result?.time;
  const took = stored_at && end ? duration(Date.parse(end) - Date.parse(stored_at)) : undefined;
  switch (state) {
    case "waiting":
      if (isHandedOut(history.map(({ type }) => type))) {
        return (
          <>
            It was handed to agent <code>{agent}</code>, attempt {attempts}; no relay says that the
            {" "}
            agent has it.
          </>
        );
      }
      return (
        <>
          It waits in the queue, since <Ago time={stored_at} />.
        </>
      );
    case "in_hand":
      return (
        <>
          It runs at agent <code>{agent}</code>, attempt {attempts}.
        </>
      );
    case "done":
      return (
        <>
          {agent
            ? (
              <>
                Agent <code>{agent}</code> did it
              </>
            )
            : "It was done"}
          {took && `, ${took} after it was stored`}.
        </>
      );
    case "failed":
      return (
        <>
          It failed{agent && (
            <>
              , says agent <code>{agent}</code>
            </>
          )}
          {took && `, ${took} after it was stored`}.
        </>
      );
    case "dead":
      return <>It became a dead letter{took && `, ${took} after it was stored`}.</>;
    case "cancelled":
      return <>It was cancelled{took && `, ${took} after it was stored`}.</>;
    default:
      return <>Nobody knows what became of it.</>;
  }
}

const STEP: Readonly<Record<string, readonly [string, string]>> = {
  "work.stored": ["Stored", "calm"],
  "work.offered": ["Handed to", "busy"],
  "work.redelivered": ["Handed again to", "warn"],
  "work.waiting": ["Waits for its turn", "calm"],
  "work.returned": ["Released by", "warn"],
  "work.cancelled": ["Cancelled", "warn"],
  "work.dead": ["Dead, after", "bad"],
  "dead_letter": ["Kept as a dead letter", "bad"],
  "result.duplicate": ["A second result was refused, of", "warn"],
  "progress": ["Progress", "calm"],
  "result": ["Result", "good"],
  "error": ["Error", "bad"],
};

function Timeline({ history }: { readonly history: readonly TraceStep[] }): VNode {
  return (
    <ol class="timeline">
      {history.map((step, index) => {
        const [text, tone] = STEP[step.type] ?? [line(step.type, 64), "good"];
        const before = history[index - 1];
        const since = before && Date.parse(step.time) - Date.parse(before.time);
        return (
          <li key={index} class={tone}>
            <span class="when">
              <Clock time={step.time} />
              {since !== undefined && since > 0 && <small>+{duration(since)}</small>}
            </span>
            <span class="what">
              {text}
              {step.agent_id && step.type !== "progress" && (
                <>
                  {" "}
                  <code>{step.agent_id}</code>
                </>
              )}
              {step.attempt !== undefined && step.type.startsWith("work.") && (
                <span class="dim">, attempt {step.attempt}</span>
              )}
              {step.reason && <span class="dim">: {line(step.reason, 100)}</span>}
              {step.error && step.error !== before?.error && <Detail text={step.error} />}
              {step.payload && <Detail text={progressText(step.payload)} />}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** As much of what was said is shown in the timeline before one asks for more, in characters. */
const SHOWN_DETAIL = 600;

/** What was said, with its line breaks and to its end. */
function Detail({ text }: { readonly text: string }): VNode {
  return text.length > SHOWN_DETAIL
    ? <LongText text={text} limit={SHOWN_DETAIL} label="What was said" />
    : <span class="detail">{visible(text)}</span>;
}

function progressText(payload: Readonly<Record<string, unknown>>): string {
  const { message } = payload;
  return typeof message === "string" ? message : JSON.stringify(payload);
}

function Message({ trace: { message, text } }: { readonly trace: WorkTrace }): VNode {
  if (text !== null) return <LongText text={text} label="work" />;
  if (message === null) return <p class="dim">Its text is no longer kept.</p>;
  const { payload } = message;
  return <Payload value={payload as Readonly<Record<string, unknown>>} label="The payload" />;
}
