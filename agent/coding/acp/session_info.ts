import type * as acp from "@agentclientprotocol/sdk/unstable";
import { z } from "zod";

/** The modes of a session. */
export interface SessionModes {
  readonly current?: string;
  readonly available: readonly string[];
}

const modeState = z.looseObject({
  currentModeId: z.string().optional().catch(undefined),
  availableModes: z.array(z.looseObject({ id: z.string() })).catch([]),
});

/** The modes in the answer to `session/new` or `session/load`; none if it has none. */
export function modesIn(opened: acp.NewSessionResponse | undefined): SessionModes {
  const read = modeState.safeParse(opened?.modes);
  if (!read.success) return { available: [] };
  const { currentModeId: current, availableModes } = read.data;
  return { ...(current && { current }), available: availableModes.map(({ id }) => id) };
}

const models = z.looseObject({ currentModelId: z.string() });
const options = z.array(z.looseObject({ id: z.unknown(), currentValue: z.unknown() }));

/**
 * The model in the answer to `session/new` or `session/load`: Codex and Gemini CLI have `models`,
 * Claude Code and opencode a configuration option.
 */
export function modelIn(opened: acp.NewSessionResponse | undefined): { model?: string } {
  const answer = (opened ?? {}) as Readonly<Record<string, unknown>>;
  const state = models.safeParse(answer.models);
  if (state.success) return { model: state.data.currentModelId };
  const found = options.safeParse(answer.configOptions).data?.find(({ id }) => id === "model");
  return typeof found?.currentValue === "string" ? { model: found.currentValue } : {};
}
