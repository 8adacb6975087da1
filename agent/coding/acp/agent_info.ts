import type * as acp from "@agentclientprotocol/sdk/unstable";
import { PROTOCOL_VERSION } from "@agentclientprotocol/sdk/unstable";
import type { Preset } from "./presets.ts";

/** What an agent says about itself in its answer to `initialize`. */
export interface AgentInfo {
  /** Empty if it does not say. */
  readonly name: string;
  readonly version: string;
  /** Whether it offers `session/load`. */
  readonly loads: boolean;
  /** Whether it offers `session/close`. */
  readonly closes: boolean;
  /** How one can log in. */
  readonly authMethods: ReadonlyArray<{ readonly id: string; readonly name: string }>;
}

/** Reads the answer to `initialize`. */
export function agentInfoIn(answer: acp.InitializeResponse): AgentInfo {
  const { agentInfo, agentCapabilities, authMethods } = answer;
  return {
    name: agentInfo?.name ?? "",
    version: agentInfo?.version ?? "",
    loads: agentCapabilities?.loadSession === true,
    closes: (agentCapabilities?.sessionCapabilities?.close ?? undefined) !== undefined,
    authMethods: (authMethods ?? []).map(({ id, name }) => ({ id, name })),
  };
}

/** @returns Why this is not the agent that its preset expects, with what to do; or nothing. */
export function wrongAgent(preset: Preset, answer: acp.InitializeResponse): string | undefined {
  const { agentInfo, protocolVersion } = answer;
  if (protocolVersion !== PROTOCOL_VERSION) {
    return `${preset.title} speaks version ${protocolVersion} of ACP, not ${PROTOCOL_VERSION}`;
  }
  const { agentName, install } = preset;
  const name = agentInfo?.name ?? "no name";
  if (agentName === undefined || name === agentName) return undefined;
  const said = `"${name}" ${agentInfo?.version ?? ""}`.trim();
  const program = preset.command[0] ?? "";
  return `${program} on PATH is ${said}, not "${agentName}"; install that one: ${install}`;
}
