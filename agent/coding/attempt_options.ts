import type { Pass } from "../gateway/mod.ts";
import type { Keeper } from "../processes/mod.ts";
import type { Work, WorkContext } from "../work.ts";
import type { Adapter } from "./acp/mod.ts";
import type { Assignment } from "./assignment.ts";
import type { Equipment } from "./equipment.ts";
import type { Place } from "./place.ts";

/** What an attempt is made of. */
export interface AttemptOptions {
  readonly equipment: Equipment;
  readonly keeper: Keeper;
  readonly assignment: Assignment;
  readonly work: Work;
  readonly context: WorkContext;
  readonly place: Place;
  /** The coding agent's process, started in the place's folder. */
  readonly adapter: Adapter;
  /** What lets that process through the gateway, if there is one, and counts what it uses. */
  readonly pass?: Pass;
  /** Finds what setting up and checking leave behind. */
  readonly shellMark: string;
  /** The coding agent can do no work until somebody acts. */
  readonly suspend: (reason: string) => void;
}
