/**
 * The flags that say whose work a command is about, `--session` and `--role`, and the variables that
 * stand in for them: `OUROCODUS_SESSION` and `OUROCODUS_ROLE`. A command that adds
 * {@linkcode sessionFlag} and {@linkcode roleFlag} has both; the flag goes before the variable, and
 * a variable that is empty counts as not set.
 *
 * Commands that stop, start or send again what already is (`agent stop`, `agent restart`, `dead
 * retry` for the role) and `token create` take no variable: what they touch, or let in, is what
 * their command line says. They have the short forms anyway: {@linkcode SESSION} and
 * {@linkcode ROLE}. `work cancel` and `work retry` take them, as limits.
 *
 * @module
 */
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** The syntax of `--session`. */
export const SESSION = "-s, --session <session>";
/** The syntax of `--role`. */
export const ROLE = "-r, --role <role>";

/** A flag that a variable stands in for. */
class VariableOption<Usage extends string> extends Option<Usage> {
  readonly variable: string;

  constructor(flags: Usage, description: string, variable: string) {
    super(flags, description);
    this.variable = variable;
  }
}

/** `--session`. @param description What it says; the variable is added. */
export function sessionFlag(description: string): Option<typeof SESSION> {
  return flag(SESSION, description, "OUROCODUS_SESSION");
}

/** `--role`. @param description What it says; the variable is added. */
export function roleFlag(description: string): Option<typeof ROLE> {
  return flag(ROLE, description, "OUROCODUS_ROLE");
}

function flag<Usage extends string>(usage: Usage, what: string, variable: string): Option<Usage> {
  // "default: …" in the description names what comes after the variable.
  const [before, otherwise] = what.split("; default: ");
  const more = otherwise === undefined ? "" : `, else ${otherwise}`;
  return new VariableOption(usage, `${before} (default: $${variable}${more})`, variable);
}

/**
 * Gives flags of a command that are not on the command line the values of their variables.
 *
 * @throws {UsageError} If a variable's value can be no name; the error names the variable.
 */
export async function applyVariables(
  command: CommandUnknownOpts,
  env: { get(name: string): string | undefined },
): Promise<void> {
  for (const option of command.options) {
    if (!(option instanceof VariableOption)) continue;
    const name = option.attributeName();
    const value = env.get(option.variable);
    if (!value || command.getOptionValue(name) !== undefined) continue;
    // Loaded by need, as it knows more than help does.
    const { nameFlag } = await import("./flag_values.ts");
    command.setOptionValueWithSource(name, nameFlag(option.variable, value), "env");
  }
}
