/**
 * What a message holds. It is somebody else's text: shown as text, never as anything else.
 *
 * @module
 */
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { bytes, visible } from "../format.ts";

const SHOWN = 4_000;
/** A text longer than this gets lines of its own. */
const SHORT = 80;

/** A text, cut where it is long. */
export function LongText(
  { text, label, limit = SHOWN, render = visible }: {
    readonly text: string;
    readonly label?: string;
    /** As much is shown before one asks for more, in characters; 4000 by default. */
    readonly limit?: number;
    /** How the text, or what is shown of it, is drawn; nothing hides in what it returns. */
    readonly render?: (text: string) => ComponentChildren;
  },
): VNode {
  const [whole, setWhole] = useState(false);
  const cut = text.length > limit && !whole;
  return (
    <div class="long">
      <pre
        tabIndex={0}
        aria-label={label ?? "text"}
      >{render(cut ? text.slice(0, limit) : text)}{cut && "…"}</pre>
      {text.length > limit && (
        <button type="button" class="quiet" onClick={() => setWhole(!whole)}>
          {whole ? "Show less" : `Show all, ${bytes(text.length)}`}
        </button>
      )}
    </div>
  );
}

/** A payload: field by field, long texts with their line breaks. */
export function Payload(
  { value, label }: { readonly value: Readonly<Record<string, unknown>>; readonly label: string },
): VNode {
  const fields = Object.entries(value);
  if (fields.length === 0) return <p class="dim">{label} is empty</p>;
  return (
    <dl class="fields">
      {fields.map(([name, field]) => (
        <div key={name}>
          <dt>{visible(name.slice(0, 200))}</dt>
          <dd>{shown(field, name)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Anything as indented JSON. */
export function Json(
  { value, label }: { readonly value: unknown; readonly label?: string },
): VNode {
  return (
    <LongText text={JSON.stringify(value, undefined, 2) ?? "nothing"} label={label ?? "JSON"} />
  );
}

function shown(value: unknown, name: string): VNode {
  if (typeof value === "string" && (value.length > SHORT || value.includes("\n"))) {
    return <LongText text={value} label={name.slice(0, 200)} />;
  }
  if (typeof value === "object" && value !== null) {
    return <Json value={value} label={name.slice(0, 200)} />;
  }
  const text = typeof value === "string" ? visible(value) : JSON.stringify(value);
  return <code class={typeof value === "string" ? "" : "literal"}>{text}</code>;
}
