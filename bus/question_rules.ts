/**
 * Finding the rule that answers a question, see `RuleRecord`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  parseRuleRecord,
  type RuleRecord,
  ruleSubject,
  SETTINGS_STREAM,
} from "@ourocodus/protocol";
import type { Connection } from "./connection.ts";
import { readSurelyLastOf } from "./stored_message.ts";

/** What a rule is about: there is one at most. */
export type RulePlace = Pick<RuleRecord, "session_id" | "role" | "fingerprint">;

const DECODER = new TextDecoder();

/** The id that a rule has: a hash of what it is about, since a fingerprint is no subject's token. */
export function ruleId({ session_id, role, fingerprint }: RulePlace): string {
  const text = JSON.stringify([session_id, role, fingerprint]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Reads the rule about something; in a cluster, the leader's.
 *
 * @returns `undefined` if there is none for exactly this session, role and fingerprint.
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readRule(
  connection: Connection,
  place: RulePlace,
): Promise<RuleRecord | undefined> {
  const { session_id, role, fingerprint } = place;
  const subject = ruleSubject(session_id, role, ruleId(place));
  const stored = await readSurelyLastOf(connection, SETTINGS_STREAM, subject);
  const rule = stored && parseRuleRecord(DECODER.decode(stored.data));
  const isMeant = rule?.session_id === session_id && rule.role === role &&
    rule.fingerprint === fingerprint;
  return isMeant ? rule : undefined;
}
