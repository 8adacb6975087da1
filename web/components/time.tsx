/**
 * Points in time.
 *
 * @module
 */
import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { duration } from "../format.ts";

/** Moves on once a second; one timer for all. */
const now = signal(Date.now());
setInterval(() => now.value = Date.now(), 1_000);

/** How long ago something was; the exact time is its title. */
export function Ago({ time }: { readonly time: string | null }): VNode {
  if (time === null) return <span class="dim">–</span>;
  const ms = Math.max(0, now.value - Date.parse(time));
  const text = ms < 1_000 ? "now" : duration(ms < 10_000 ? Math.floor(ms / 1_000) * 1_000 : ms);
  return <time dateTime={time} title={exact(time)}>{text.replace(".0", "")}</time>;
}

/** The same in a sentence: `5 s ago`, `just now`. */
export function LongAgo({ time }: { readonly time: string | null }): VNode {
  if (time === null) return <span class="dim">never</span>;
  const isNow = now.value - Date.parse(time) < 1_000;
  return isNow ? <time dateTime={time} title={exact(time)}>just now</time> : (
    <>
      <Ago time={time} /> ago
    </>
  );
}

/** How long it is until something; the exact time is its title. */
export function In({ time }: { readonly time: string }): VNode {
  const ms = Math.max(0, Date.parse(time) - now.value);
  const text = duration(Math.ceil(ms / 1_000) * 1_000).replace(".0", "");
  return <time dateTime={time} title={exact(time)}>{text}</time>;
}

/** A time of day, to the millisecond; the whole of it is its title. */
export function Clock({ time }: { readonly time: string }): VNode {
  const date = new Date(time);
  const day = date.toLocaleTimeString("en-GB");
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return <time dateTime={time} title={exact(time)}>{day}.{ms}</time>;
}

/** How long ago, in a sentence, for times that are numbers. */
export function Since({ ms }: { readonly ms: number }): VNode {
  return (
    <>{duration(Math.max(0, Math.floor((now.value - ms) / 1_000) * 1_000)).replace(".0", "")}</>
  );
}

function exact(time: string): string {
  return `${new Date(time).toLocaleString("en-GB")} (${time})`;
}
