/**
 * Which events a client wants.
 *
 * @module
 */
import type { EventFrame, EventKind } from "./event_frame.ts";

/** A filter; what is left out lets everything pass. */
export interface EventFilter {
  readonly kinds: ReadonlySet<EventKind>;
  readonly sessions?: ReadonlySet<string>;
  readonly roles?: ReadonlySet<string>;
  readonly types?: ReadonlySet<string>;
}

/** Whether an event passes. */
export function passes(filter: EventFilter, frame: EventFrame): boolean {
  const { kinds, sessions, roles, types } = filter;
  return kinds.has(frame.kind) &&
    (sessions === undefined || sessions.has(frame.session)) &&
    (types === undefined || (frame.type !== undefined && types.has(frame.type))) &&
    (roles === undefined || frame.roles.some((role) => roles.has(role)));
}

/** A text that is the same for filters that let the same pass. */
export function filterKey({ kinds, sessions, roles, types }: EventFilter): string {
  return [kinds, sessions, roles, types].map((set) => set ? [...set].sort().join(",") : "*").join(
    " ",
  );
}
