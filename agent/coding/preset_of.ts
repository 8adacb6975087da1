import { OptionError } from "../errors.ts";
import { acpPreset, type Preset, PRESETS } from "./acp/presets.ts";
import type { CodingOptions } from "./options.ts";

/**
 * The preset of a known coding agent, or one that is made of a command.
 *
 * @throws {OptionError} If there is none of that name.
 */
export function presetOf(
  { agent = "", command }: Pick<CodingOptions, "agent" | "command">,
): Preset {
  if (command !== undefined) return acpPreset(command);
  const preset = Object.hasOwn(PRESETS, agent) ? PRESETS[agent] : undefined;
  if (preset !== undefined) return preset;
  const names = Object.keys(PRESETS);
  throw new OptionError(
    `There is no coding agent ${JSON.stringify(agent)}, there are ${names.join(", ")}; ` +
      "another one that speaks ACP is given by its command: --acp -- COMMAND",
  );
}
