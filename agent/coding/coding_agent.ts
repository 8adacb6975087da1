import { OptionError, WorkError } from "../errors.ts";
import { Suspension } from "../suspension.ts";
import type { Handler } from "../work.ts";
import { checkCodingOptions, type NameOf } from "./check_options.ts";
import type { CodingOptions } from "./options.ts";
import { type CodingFacts, codingFacts, missingAgent, missingFiles } from "./readiness.ts";

/** A stand-in until the coding agent is built. */
export class CodingAgent implements AsyncDisposable {
  /** Suspended when access to the model fails. */
  readonly suspension: Suspension = new Suspension();
  readonly #options: CodingOptions;
  readonly #nameOf: NameOf | undefined;

  /** @throws {OptionError} If an option has a value that cannot be used. */
  constructor(options: CodingOptions, nameOf?: NameOf) {
    checkCodingOptions(options, nameOf);
    this.#options = options;
    this.#nameOf = nameOf;
  }

  /** Makes it ready for work. @throws {OptionError} If something is missing. */
  async start(): Promise<void> {
    const wrong = await this.check();
    if (wrong !== undefined) throw new OptionError(wrong);
  }

  /**
   * Looks what stands in the way of work, without asking the model.
   *
   * @param depth `files`: not whether the coding agent itself can be run.
   */
  async check(depth: "files" | "all" = "all"): Promise<string | undefined> {
    const wrong = await missingFiles(this.#options, this.#nameOf);
    if (wrong !== undefined || depth === "files") return wrong;
    return await missingAgent(this.#options);
  }

  /** What it needs; after `check` has found nothing. */
  async facts(): Promise<CodingFacts> {
    return await codingFacts(this.#options);
  }

  readonly handler: Handler = () => {
    throw new WorkError("not_built", "The coding agent is not built yet");
  };

  /** Ends what it has started, at once. */
  kill(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
