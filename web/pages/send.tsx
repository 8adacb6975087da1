/**
 * Sending work, and seeing its result.
 *
 * @module
 */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { AgentList, LogItem, SentWork, SessionList } from "../../api/wire.ts";
import { useAction } from "../action.ts";
import { type ApiError, call } from "../api.ts";
import { Badge } from "../components/badge.tsx";
import { Link } from "../components/link.tsx";
import { Failure } from "../components/notice.tsx";
import { Result } from "../components/result.tsx";
import { line } from "../format.ts";
import { useResource } from "../resource.ts";
import { resultOf } from "../result_of.ts";
import { address, setQuery, workUrl } from "../route.ts";

/** How many are shown. */
const MAX_ATTEMPTS = 50;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

interface Attempt {
  readonly key: number;
  readonly session: string;
  readonly role: string;
  readonly text: string;
  readonly sent?: SentWork;
  readonly result?: LogItem;
  readonly error?: ApiError;
}

let nextKey = 1;

/** The page. */
export function Send(): VNode {
  const { query } = address.value;
  const [mode, setMode] = useState<"message" | "json">("message");
  const [text, setText] = useState("");
  const [attempts, setAttempts] = useState<readonly Attempt[]>([]);
  const session = query.get("session") ?? "";
  const role = query.get("role") ?? "";
  const { data } = useResource<SessionList>("/api/sessions?limit=1000", { everyMs: 15_000 });
  const known = data?.sessions ?? [];
  const roles = known.filter(({ session_id }) => session === "" || session_id === session)
    .flatMap(({ roles }) => roles.map(({ role }) => role));
  const wrong = [wrongName("Session", session), wrongName("Role", role), wrongText(mode, text)];
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const ready = wrong.every((reason) => reason === undefined);

  const change = (key: number, more: Partial<Attempt>) =>
    setAttempts((all) => all.map((one) => one.key === key ? { ...one, ...more } : one));

  /** What could not be stored, as far as is known, has the same id when it is sent again. */
  const unsent = useRef<{ readonly what: string; readonly id: string } | undefined>(undefined);

  const store = async () => {
    const key = nextKey++;
    setAttempts((all) => [{ key, session, role, text }, ...all].slice(0, MAX_ATTEMPTS));
    const body = mode === "message" ? JSON.stringify({ message: text }) : wrapped(text);
    const what = `${session} ${role} ${body}`;
    if (unsent.current?.what !== what) unsent.current = { what, id: newId() };
    try {
      const sent = await call<SentWork>(`/api/sessions/${session}/work/${role}`, {
        method: "POST",
        body,
        headers: isWhole(body) ? {} : { "idempotency-key": unsent.current.id },
      });
      unsent.current = undefined;
      change(key, { sent });
      setText((now) => now === text ? "" : now);
      void follow(key, sent, body);
    } catch (error) {
      change(key, { error: error as ApiError });
    }
  };
  const follow = async (key: number, sent: SentWork, body: string) => {
    try {
      change(key, { result: await resultOf(sent, { body, signal: left.current.signal }) });
    } catch (error) {
      change(key, { error: error as ApiError });
    }
  };
  const { busy, run } = useAction(store);
  const send = () => ready && run();
  const submit = (event: Event) => {
    event.preventDefault();
    send();
  };
  return (
    <>
      <h1>Send</h1>
      <form class="send" onSubmit={submit}>
        <Field
          name="session"
          label="Session"
          value={session}
          wrong={wrong[0]}
          list={known.map(({ session_id }) => session_id)}
        />
        <Field name="role" label="Role" value={role} wrong={wrong[1]} list={[...new Set(roles)]} />
        <fieldset>
          <legend>Payload</legend>
          <label class="check">
            <input
              type="radio"
              name="mode"
              checked={mode === "message"}
              onChange={() => setMode("message")}
            />
            Message
          </label>
          <label class="check">
            <input
              type="radio"
              name="mode"
              checked={mode === "json"}
              onChange={() => setMode("json")}
            />
            JSON
          </label>
        </fieldset>
        <label class="wide">
          <span>{mode === "message" ? "Message" : "Payload, a JSON object"}</span>
          <textarea
            rows={6}
            value={text}
            spellcheck={mode === "message"}
            aria-describedby="text-wrong"
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
            }}
          />
          <small id="text-wrong" class="wrong">{text !== "" && wrong[2]}</small>
        </label>
        {wrong[0] === undefined && wrong[1] === undefined && (
          <Served session={session} role={role} />
        )}
        <p class="buttons wide">
          <button type="submit" class="primary" disabled={!ready || busy}>
            {busy ? "Sending…" : "Send work"}
          </button>
          <span class="dim">Ctrl+Enter</span>
        </p>
      </form>
      <ul class="sent" aria-live="polite">
        {attempts.map((attempt) => <Sent key={attempt.key} attempt={attempt} />)}
      </ul>
    </>
  );
}

function Field(
  { name, label, value, wrong, list }: {
    readonly name: string;
    readonly label: string;
    readonly value: string;
    readonly wrong: string | undefined;
    readonly list: readonly string[];
  },
): VNode {
  return (
    <label>
      <span>{label}</span>
      <input
        name={name}
        value={value}
        list={`${name}-list`}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${name}-wrong`}
        onInput={(event) => setQuery({ [name]: event.currentTarget.value })}
      />
      <datalist id={`${name}-list`}>
        {list.map((item) => <option key={item} value={item} />)}
      </datalist>
      <small id={`${name}-wrong`} class="wrong">{value !== "" && wrong}</small>
    </label>
  );
}

/** Says so if nobody is there to do the work. */
function Served(
  { session, role }: { readonly session: string; readonly role: string },
): VNode | null {
  const { data } = useResource<AgentList>(`/api/agents?session=${session}&role=${role}`);
  if (data === undefined) return null;
  if (data.agents.some(({ status }) => status === "connected")) return null;
  return (
    <p class="note wide" role="status">
      {data.relays.length === 0
        ? "No relay answers, so it is not known whether an agent takes this work."
        : `No agent of role ${role} is connected to session ${session}.`}{" "}
      Work that is sent is stored, and waits.
    </p>
  );
}

function Sent({ attempt }: { readonly attempt: Attempt }): VNode {
  const { session, role, text, sent, result, error } = attempt;
  const state = result ? result.outcome ?? "done" : error && !sent ? "failed" : "waiting";
  return (
    <li>
      <p class="title">
        <Badge state={state} />
        {sent
          ? <Link href={workUrl(session, sent.sequence)}>{line(sent.id, 60)}</Link>
          : <span>{error ? "not sent" : "sending…"}</span>}
        <span class="dim">{session} / {role} · {line(text, 80)}</span>
      </p>
      <Failure error={error} />
      {error?.status === 0 && <p class="failure">{error.message}</p>}
      {sent && !result && !error && (
        <p class="dim">Stored as {sent.sequence}; its result will stand here.</p>
      )}
      {result && <Result item={result} />}
    </li>
  );
}

function wrongName(what: string, name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  return name === "" ? `${what} is missing` : `${what}: 1 to 64 of A-Z a-z 0-9 _ -`;
}

function wrongText(mode: "message" | "json", text: string): string | undefined {
  if (text === "") return "It is empty";
  if (mode === "message") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? undefined
      : "It must be a JSON object";
  } catch (error) {
    return (error as Error).message;
  }
}

/** A whole message stays one; anything else is a payload. */
function wrapped(text: string): string {
  return isWhole(text) ? text : JSON.stringify({ payload: JSON.parse(text) });
}

/** Whether a JSON object is a message with an id of its own. */
function isWhole(text: string): boolean {
  const { id, payload } = JSON.parse(text) as Record<string, unknown>;
  return typeof payload === "object" && typeof id === "string";
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `work_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
