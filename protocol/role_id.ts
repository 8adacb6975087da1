/**
 * A role of a session as one value: what queues, leases and agents are of.
 *
 * @module
 */
import { InvalidNameError } from "./errors.ts";
import { invalidName } from "./subjects.ts";

/** Stands in no session and no role, so two pairs never share a key. */
const BETWEEN = "=";

/** A role of a session. */
export class RoleId {
  readonly session: string;
  readonly role: string;
  /** Both as one text: the same for the same pair, and for no other. */
  readonly key: string;

  /** @throws {InvalidNameError} If either cannot stand in a subject. */
  constructor(session: string, role: string) {
    const wrongSession = invalidName(session);
    if (wrongSession !== undefined) throw new InvalidNameError("session", wrongSession);
    const wrongRole = invalidName(role);
    if (wrongRole !== undefined) throw new InvalidNameError("role", wrongRole);
    this.session = session;
    this.role = role;
    this.key = `${session}${BETWEEN}${role}`;
  }

  /**
   * The one that a key is of; `undefined` if the text is none.
   *
   * @example
   * ```ts
   * import { RoleId } from "@ourocodus/protocol";
   * import assert from "node:assert/strict";
   *
   * const { key } = new RoleId("docs", "writer");
   * assert.equal(RoleId.parse(key)?.role, "writer");
   * assert.equal(RoleId.parse("docs"), undefined);
   * ```
   */
  static parse(key: string): RoleId | undefined {
    const [session, role, ...rest] = key.split(BETWEEN);
    if (rest.length > 0 || invalidName(session) !== undefined || invalidName(role) !== undefined) {
      return undefined;
    }
    return new RoleId(session ?? "", role ?? "");
  }
}
