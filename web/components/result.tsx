/**
 * What came of a work item, as people read it: the text of a result, or what an error says, and
 * below it all of the payload, folded. It is somebody else's text: shown as text, never as anything
 * else.
 *
 * @module
 */
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import type { LogItem } from "../../api/wire.ts";
import { diffLines, hasDiff } from "../../protocol/diff_lines.ts";
import { errorText, factTexts, resultFacts, resultText } from "../../protocol/result_text.ts";
import { line, visible } from "../format.ts";
import { Json, LongText, Payload } from "./payload.tsx";

/** Lines of a diff are coloured as long as there are no more; a page with all would be slow. */
const MAX_DIFF_LINES = 5_000;
/** Colours of terminals; there are none here. */
// deno-lint-ignore no-control-regex
const TERMINAL_COLORS = /\x1b\[[0-9;:]*m/g;

type Fields = Readonly<Record<string, unknown>>;

/** A result, or an error result. */
export function Result({ item }: { readonly item: LogItem }): VNode {
  const { type, payload, text } = item;
  if (payload === null) return <Text text={text ?? ""} label="The text" />;
  const facts = factTexts(resultFacts(payload)).map((fact) => line(fact, 160));
  const { patch } = payload;
  return (
    <div class="result">
      {type === "error" ? <ErrorResult payload={payload} /> : <Said payload={payload} />}
      {facts.length > 0 && <p class="facts dim">{facts.join(" · ")}</p>}
      {typeof patch === "string" && hasDiff(patch) && (
        <Folded title="Patch">
          <Text text={patch} label="The patch" />
        </Folded>
      )}
      <Folded title="Raw">
        <Json value={payload} label="The whole result" />
      </Folded>
    </div>
  );
}

function Said({ payload }: { readonly payload: Fields }): VNode {
  const { text, isJson } = resultText(payload);
  if (!isJson) {
    return text.trim() === ""
      ? <p class="dim">The text is empty.</p>
      : <Text text={text} label="The text" />;
  }
  const { output } = payload;
  const value = typeof output === "object" && output !== null ? { output } : payload;
  return <Payload value={value} label="The result" />;
}

function ErrorResult({ payload }: { readonly payload: Fields }): VNode {
  const { message, code, details } = errorText(payload);
  return (
    <>
      <Text text={code === undefined ? message : `${message} (${code})`} label="The error" />
      {details.length > 0 && (
        <Payload
          value={Object.fromEntries(details.map(({ name, value }) => [name, value]))}
          label="More"
        />
      )}
    </>
  );
}

/** What few want to see; it may be large, so it is not there until somebody does. */
function Folded(
  { title, children }: { readonly title: string; readonly children: ComponentChildren },
): VNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="folded" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && children}
    </details>
  );
}

function Text({ text, label }: { readonly text: string; readonly label: string }): VNode {
  const plain = text.replaceAll(TERMINAL_COLORS, "").trimEnd();
  return <LongText text={plain} label={label} render={hasDiff(plain) ? diff : undefined} />;
}

/** The lines of unified diffs coloured, each line as text. */
function diff(text: string): ComponentChildren {
  const lines = diffLines(text);
  if (lines.length > MAX_DIFF_LINES) return visible(text);
  return lines.map(({ kind, text }, index) => (
    <span key={index} class={kind === "text" ? undefined : `diff-${kind}`}>
      {visible(text)}
      {index < lines.length - 1 && "\n"}
    </span>
  ));
}
