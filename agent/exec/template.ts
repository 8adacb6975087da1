/**
 * Arguments with places for what the work says: `{message}`, `{id}`, `{session}`, `{role}`.
 *
 * Exactly these are replaced; other braces stay as they are, and `{{id}}` stands for a literal
 * `{id}`. What was put in is not looked at again. No shell is involved: an argument stays one
 * argument, whatever is put into it.
 *
 * @module
 */

/** What is put in. */
export interface TemplateValues {
  /** Absent if the work's payload has none. */
  readonly message: string | undefined;
  readonly id: string;
  readonly session: string;
  readonly role: string;
}

/** An argument, or the name of a value that it asks for and that is absent. */
export type FilledArgument =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "absent"; readonly name: string };

type Name = keyof TemplateValues;

const PLACE = /\{\{(?:message|id|session|role)\}\}|\{(message|id|session|role)\}/g;

/**
 * Puts values into an argument.
 *
 * @example
 * ```ts
 * import { fillArgument } from "./template.ts";
 * import assert from "node:assert/strict";
 *
 * const values = { message: "{id} $HOME", id: "7", session: "s", role: "r" };
 * assert.deepEqual(fillArgument("{id}: {message} {{id}} {x}", values), {
 *   kind: "ok",
 *   text: "7: {id} $HOME {id} {x}",
 * });
 * ```
 */
export function fillArgument(argument: string, values: TemplateValues): FilledArgument {
  let absent: string | undefined;
  const text = argument.replace(PLACE, (place: string, name: Name | undefined) => {
    if (name === undefined) return place.slice(1, -1);
    const value = values[name];
    if (value === undefined) absent = name;
    return value ?? "";
  });
  return absent === undefined ? { kind: "ok", text } : { kind: "absent", name: absent };
}
