import { getLogger } from "@logtape/logtape";
import type { Pass } from "../gateway/mod.ts";
import type { Keeper } from "../processes/mod.ts";
import { Adapter } from "./acp/mod.ts";
import type { Equipment } from "./equipment.ts";
import { gatewayVariables } from "./gated_environment.ts";
import type { ModelGateway } from "./model_gateway.ts";

/** A coding agent's process, and what lets it through the gateway, if there is one. */
export interface StartedAdapter {
  readonly adapter: Adapter;
  /** Revoked when the process ends. */
  readonly pass?: Pass;
}

/** What starting one needs. */
export interface StartAdapterOptions {
  readonly equipment: Equipment;
  readonly keeper: Keeper;
  readonly gateway: ModelGateway | undefined;
  readonly folder: string;
  /** What finds all that it starts, see `agent/processes`. */
  readonly mark: string;
}

const logger = getLogger(["ourocodus", "agent"]);

/** Starts a coding agent's process in a folder. @throws {AdapterError} If it cannot be started. */
export async function startAdapter(
  { equipment, keeper, gateway, folder, mark }: StartAdapterOptions,
): Promise<StartedAdapter> {
  const { preset, command, env, sandbox, clock } = equipment;
  await keeper.add(mark);
  const pass = gateway?.admit();
  try {
    const adapter = Adapter.start({
      preset,
      command,
      env: { ...env, ...(gateway && pass && gatewayVariables(preset, env, gateway.at(pass))) },
      folder,
      mark,
      clock,
      keeper,
      ...(sandbox !== undefined && { sandbox }),
      onNoise: (text) => logger.debug("{preset} printed: {text}", { preset: preset.name, text }),
    });
    void adapter.ended.finally(() => pass?.[Symbol.dispose]());
    return { adapter, ...(pass !== undefined && { pass }) };
  } catch (error) {
    pass?.[Symbol.dispose]();
    throw error;
  }
}
