import type * as acp from "@agentclientprotocol/sdk/unstable";
import { PROTOCOL_VERSION } from "@agentclientprotocol/sdk/unstable";
import { z } from "zod";
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

/** Which account an agent says that it uses. */
export interface AuthStatus {
  /** `api_key`, `subscription`, `gateway`, …; `none` if it is logged out. */
  readonly kind: string;
  readonly label?: string;
}

const status = z.looseObject({
  authStatus: z.looseObject({ kind: z.string(), label: z.string().optional() }),
});

/** Reads `_auth/status_update`, an extension of the adapters of Claude and Codex. */
export function authStatusIn(params: unknown): AuthStatus | undefined {
  const read = status.safeParse(params);
  if (!read.success) return undefined;
  const { kind, label } = read.data.authStatus;
  return { kind, ...(label && { label }) };
}

/** Reads the answer to `initialize`. */
export function agentInfoIn(answer: acp.InitializeResponse): AgentInfo {
  const { agentInfo, agentCapabilities, authMethods } = answer;
  return {
    name: agentInfo?.name ?? "",
    version: agentInfo?.version ?? "",
    loads: agentCapabilities?.loadSession === true,
    closes: Boolean(agentCapabilities?.sessionCapabilities?.close),
    authMethods: (authMethods ?? []).map(({ id, name }) => ({ id, name })),
  };
}

/** @returns Why this is not the agent that its preset expects, with what to do; or nothing. */
export function wrongAgent(preset: Preset, answer: acp.InitializeResponse): string | undefined {
  const { agentInfo, protocolVersion } = answer;
  if (protocolVersion !== PROTOCOL_VERSION) {
    return `${preset.title} speaks version ${protocolVersion} of ACP, not ${PROTOCOL_VERSION}`;
  }
  const { agentName, install = "" } = preset;
  const name = agentInfo?.name ?? "no name";
  if (agentName === undefined || name === agentName) return undefined;
  const said = `"${name}" ${agentInfo?.version ?? ""}`.trim();
  const program = preset.command[0] ?? "";
  return `${program} on PATH is ${said}, not "${agentName}"; install that one: ${install}`;
}
