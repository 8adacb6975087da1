/**
 * The live log.
 *
 * @module
 */
import type { ComponentChildren, RefObject, VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LogItem } from "../../api/wire.ts";
import { Link } from "../components/link.tsx";
import type { ApiError } from "../api.ts";
import { Empty, Failure } from "../components/notice.tsx";
import { Json } from "../components/payload.tsx";
import { Clock } from "../components/time.tsx";
import { EventLog, MAX_ROWS, type Row } from "../event_log.ts";
import { followEvents } from "../event_source.ts";
import { count, line } from "../format.ts";
import { address, sessionUrl, setQuery, workUrl } from "../route.ts";
import { visibleRows } from "../virtual_rows.ts";

const ROW_HEIGHT = 28;
/** What comes is drawn this often, in milliseconds. */
const DRAW_MS = 100;
const KINDS = ["work", "results", "dead"] as const;
/** Where one begins to look: not at an empty page. */
const BEGIN = "15m";

/** The page. */
export function Events(): VNode {
  const { query } = address.value;
  const [session, role, type] = ["session", "role", "type"].map((name) => query.get(name) ?? "");
  const include = query.get("include") ?? KINDS.join();
  const search = query.get("q") ?? "";
  const filter = new URLSearchParams();
  const kinds = include === "none" ? "" : include;
  for (const [name, value] of Object.entries({ session, role, type, include: kinds })) {
    if (value) filter.set(name, value);
  }
  const { log, version, paused, refusal, pause, clear } = useLog(filter.toString());
  const rows = useMemo(() => found(log.rows, search), [log, version, search]);
  const [selected, select] = useState<LogItem>();
  const list = useRef<HTMLDivElement>(null);
  return (
    <div class="events">
      <div class="title">
        <h1>Events</h1>
        <button type="button" aria-pressed={paused} onClick={() => pause(!paused)}>
          {paused ? "Go on" : "Pause"}
        </button>
        <button type="button" class="quiet" onClick={clear}>Clear</button>
        <span class="dim" role="status">
          {count(rows.length)}{" "}
          {rows.length === log.rows.length ? "" : `of ${count(log.rows.length)} `}
          events{log.dropped > 0 && `, the newest ${count(MAX_ROWS)}`}
          {paused && ", paused"}
        </span>
      </div>
      <div class="filters">
        {(["session", "role", "type"] as const).map((name) => (
          <input
            key={name}
            aria-label={`Only of ${name}`}
            placeholder={name}
            value={query.get(name) ?? ""}
            spellcheck={false}
            onChange={(event) => setQuery({ [name]: event.currentTarget.value })}
          />
        ))}
        <input
          type="search"
          aria-label="Search in events"
          placeholder="search"
          value={search}
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
        />
        {KINDS.map((kind) => (
          <label key={kind} class="check">
            <input
              type="checkbox"
              checked={include.split(",").includes(kind)}
              onChange={() => setQuery({ include: toggled(include, kind) })}
            />
            {kind}
          </label>
        ))}
      </div>
      <Failure error={refusal} />
      <div class={`log-and-detail ${selected ? "open" : ""}`}>
        <Rows
          list={list}
          rows={rows}
          dropped={log.dropped}
          selected={selected}
          onSelect={select}
        >
          {rows.length === 0 && !refusal && <Empty title={whyEmpty(log, filter)} />}
        </Rows>
        {selected && (
          <Detail
            item={selected}
            onClose={() => {
              select(undefined);
              list.current?.focus();
            }}
          />
        )}
      </div>
    </div>
  );
}

interface LiveLog {
  readonly log: EventLog;
  /** Changes whenever the log does. */
  readonly version: number;
  readonly paused: boolean;
  /** Why the API does not tell of these events. */
  readonly refusal: ApiError | undefined;
  pause(paused: boolean): void;
  clear(): void;
}

function useLog(filter: string): LiveLog {
  const [version, setVersion] = useState(0);
  const [paused, setPaused] = useState(false);
  const [refusal, setRefusal] = useState<ApiError>();
  const held = useRef(false);
  held.current = paused;
  const log = useMemo(() => new EventLog(), [filter]);
  const draw = () => setVersion((before) => before + 1);
  const clear = () => {
    log.clear();
    draw();
  };
  useEffect(() => {
    let waiting: LogItem[] = [];
    setRefusal(undefined);
    const end = followEvents(`/api/events?since=${BEGIN}&${filter}`, {
      onEvent({ name, data }) {
        if (name === "status") setRefusal(undefined);
        if (name === "reset") {
          // What was there has the numbers of another log.
          waiting = [];
          log.clear(0);
          draw();
        }
        if (name !== "message") return;
        waiting.push(JSON.parse(data) as LogItem);
        // Paused for long: only what would be kept.
        if (waiting.length > 2 * MAX_ROWS) waiting = waiting.slice(-MAX_ROWS);
      },
      onLost: setRefusal,
    });
    const timer = setInterval(() => {
      if (held.current || waiting.length === 0) return;
      log.add(waiting);
      waiting = [];
      draw();
    }, DRAW_MS);
    return () => {
      end();
      clearInterval(timer);
    };
  }, [filter]);
  return { log, version, paused, refusal, pause: setPaused, clear };
}

/** Why there is no row to show. */
function whyEmpty(log: EventLog, filter: URLSearchParams): string {
  if (log.rows.length > 0) return "No event matches the search.";
  if (log.last > 0) return "All was cleared. What happens now appears here.";
  const all = filter.toString() === new URLSearchParams({ include: KINDS.join() }).toString();
  const what = all ? "Nothing" : "Nothing that passes these filters";
  return `${what} has happened in the last 15 minutes. What happens now appears here.`;
}

function found(rows: readonly Row[], search: string): readonly Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0
    ? rows.slice()
    : rows.filter(({ text }) => words.every((word) => text.includes(word)));
}

function Rows(
  { list, rows, dropped, selected, onSelect, children }: {
    /** What scrolls. */
    readonly list: RefObject<HTMLDivElement | null>;
    readonly rows: readonly Row[];
    readonly dropped: number;
    readonly selected: LogItem | undefined;
    readonly onSelect: (item: LogItem) => void;
    /** What stands where rows would. */
    readonly children: ComponentChildren;
  },
): VNode {
  const [view, setView] = useState({ top: 0, height: 600 });
  /** Whether the newest row is in sight, and so stays there. */
  const following = useRef(true);
  const [behind, setBehind] = useState(0);
  const before = useRef({ dropped, rows: 0 });
  const look = () => {
    const element = list.current;
    if (element === null) return;
    const { scrollTop: top, clientHeight: height, scrollHeight } = element;
    following.current = scrollHeight - top - height < ROW_HEIGHT;
    if (following.current) setBehind(0);
    setView({ top, height });
  };
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    if (following.current) element.scrollTop = element.scrollHeight;
    else {
      // What one reads stays where it is, though the oldest rows go.
      element.scrollTop -= (dropped - before.current.dropped) * ROW_HEIGHT;
      setBehind((count) => count + Math.max(0, rows.length - before.current.rows));
    }
    before.current = { dropped, rows: rows.length };
    look();
  }, [rows]);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    if (list.current) observer.observe(list.current);
    return () => observer.disconnect();
  }, []);
  const { start, end, offset } = visibleRows(rows.length, ROW_HEIGHT, view);
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = rows.findIndex(({ item }) => item.sequence === selected?.sequence);
    const next = rows[at < 0 ? rows.length - 1 : at + step];
    if (next === undefined) return;
    onSelect(next.item);
    const top = rows.indexOf(next) * ROW_HEIGHT;
    const element = list.current;
    if (element === null) return;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW_HEIGHT > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + ROW_HEIGHT - element.clientHeight;
    }
  };
  return (
    <div class="log">
      <div
        ref={list}
        class="log-scroll"
        tabIndex={0}
        role="listbox"
        aria-label="Events, oldest first"
        aria-activedescendant={selected && `event-${selected.sequence}`}
        onScroll={look}
        onKeyDown={move}
      >
        <div
          class="log-all"
          role="presentation"
          style={{ height: `${rows.length * ROW_HEIGHT}px` }}
        >
          <div role="presentation" style={{ transform: `translateY(${offset}px)` }}>
            {rows.slice(start, end).map(({ item, summary }) => (
              <div
                key={item.sequence}
                id={`event-${item.sequence}`}
                role="option"
                aria-selected={item.sequence === selected?.sequence}
                class={`log-row ${tone(item)}`}
                onClick={() => onSelect(item)}
              >
                <Clock time={item.time} />
                <span class="type">{line(nameOf(item), 40)}</span>
                <span class="where">{item.session_id}{item.role && ` / ${item.role}`}</span>
                <span class="summary">{line(summary, 300)}</span>
              </div>
            ))}
          </div>
        </div>
      </div>
      {children}
      {behind > 0 && (
        <button
          type="button"
          class="newer"
          onClick={() => {
            following.current = true;
            list.current?.scrollTo({ top: list.current.scrollHeight });
          }}
        >
          {count(behind)} new ↓
        </button>
      )}
    </div>
  );
}

function Detail(
  { item, onClose }: { readonly item: LogItem; readonly onClose: () => void },
): VNode {
  return (
    <aside class="detail-pane" aria-label="The event">
      <div class="title">
        <h2>{line(nameOf(item), 64)}</h2>
        <button type="button" class="quiet" onClick={onClose} aria-label="Close the event">
          Close
        </button>
      </div>
      <p>
        <Link href={sessionUrl(item.session_id)}>{item.session_id}</Link>
        {item.work_sequence !== undefined && (
          <>
            {" · "}
            <Link href={workUrl(item.session_id, item.work_sequence)}>
              work {item.work_sequence}
            </Link>
          </>
        )}
        {worksOf(item).map((sequence) => (
          <span key={sequence}>
            {" · "}
            <Link href={workUrl(item.session_id, sequence)}>work {sequence}</Link>
          </span>
        ))}
      </p>
      <Json value={item} label="The whole event" />
    </aside>
  );
}

/** The work that an event is about; of many, the first. */
function worksOf(item: LogItem): number[] {
  const listed = item.payload?.work;
  const own = item.work;
  const pieces = [...Array.isArray(listed) ? listed : [], own] as ({ seq?: unknown } | undefined)[];
  return pieces.flatMap((piece) => typeof piece?.seq === "number" ? [piece.seq] : []).slice(0, 8);
}

/** What it is called: a dead letter has the type of the work that it keeps. */
function nameOf(item: LogItem): string {
  return item.kind === "dead" ? "dead letter" : item.type ?? "no message";
}

const WARNINGS = [
  ...["work.redelivered", "work.returned", "work.cancelled", "work.silent", "agent.suspended"],
];

function tone(item: LogItem): string {
  if (item.outcome === "cancelled") return "warn";
  if (item.kind === "dead" || item.type === "error" || item.type === "work.dead") return "bad";
  if (item.kind === "result") return "good";
  if (WARNINGS.includes(item.type ?? "")) return "warn";
  return "";
}

function toggled(include: string, kind: string): string {
  const kinds = include.split(",").filter((one) => one !== "none");
  const next = kinds.includes(kind) ? kinds.filter((one) => one !== kind) : [...kinds, kind];
  // An empty one would be the default, which is all.
  return next.join() || "none";
}
