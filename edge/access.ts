/**
 * What the one who asks may do: which kinds of things, and in which session and role.
 *
 * @module
 */

/**
 * Kinds of things that one may be allowed to do.
 *
 * - `agent`: take work from a relay, and answer it.
 * - `send`: send work, cancel it, send it again, and hear its result.
 * - `read`: see agents, sessions, work, results and events.
 * - `answer`: answer questions of agents, and see them.
 * - `admin`: stop agents, and everything above.
 */
export const SCOPES = ["agent", "send", "read", "answer", "admin"] as const;

/** One of {@linkcode SCOPES}. */
export type Scope = typeof SCOPES[number];

/** What somebody may do. */
export interface Access {
  readonly can: ReadonlySet<Scope>;
  /** Only in this session; any without. */
  readonly session?: string;
  /** Only in this role; any without. */
  readonly role?: string;
  /** When it ends, in milliseconds since 1970; never without. */
  readonly expiresAt?: number;
}

/** What something takes: a kind, and whose it is. `undefined` stands for all of them. */
export interface Need {
  readonly scope: Scope;
  readonly session: string | undefined;
  readonly role: string | undefined;
}

/** Everything, forever. */
export const FULL_ACCESS: Access = { can: new Set(SCOPES) };

/** Whether a text names a scope. */
export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/**
 * What of a need is not allowed.
 *
 * @returns Why not, or `undefined` if all of it is allowed.
 *
 * @example
 * ```ts
 * import { type Access, lacking } from "@ourocodus/edge";
 * import assert from "node:assert/strict";
 *
 * const access: Access = { can: new Set(["read"]), session: "docs" };
 * assert.equal(lacking(access, { scope: "read", session: "docs", role: "writer" }), undefined);
 * assert.equal(
 *   lacking(access, { scope: "read", session: "papers", role: undefined }),
 *   "the token is for session docs, this is for session papers",
 * );
 * ```
 */
export function lacking(access: Access, need: Need): string | undefined {
  const { can } = access;
  if (!can.has(need.scope) && !can.has("admin")) {
    return `the token can ${[...can].join(", ")}, this needs ${need.scope}`;
  }
  return foreign("session", access.session, need.session) ??
    foreign("role", access.role, need.role);
}

function foreign(
  what: "session" | "role",
  allowed: string | undefined,
  needed: string | undefined,
): string | undefined {
  if (allowed === undefined || allowed === needed) return undefined;
  const this_ = needed === undefined ? `is for all ${what}s` : `is for ${what} ${needed}`;
  return `the token is for ${what} ${allowed}, this ${this_}`;
}
