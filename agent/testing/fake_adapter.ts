/**
 * A fake coding agent behind an adapter, in a folder of its own.
 *
 * @module
 */
import type * as acp from "@agentclientprotocol/sdk/unstable";
import { type Clock, systemClock } from "../clock.ts";
import { fakeAcpCommand } from "./fake_acp_command.ts";
import { Adapter, type AdapterOptions } from "../coding/acp/adapter.ts";
import type { ConversationListener } from "../coding/acp/conversation.ts";
import { acpPreset, type Preset } from "../coding/acp/presets.ts";

/** A fake agent, where it works and what it said. Disposing ends it and removes the folders. */
export interface FakeAdapter extends AsyncDisposable {
  readonly adapter: Adapter;
  readonly folder: string;
  readonly home: string;
  readonly mark: string;
  readonly listener: RecordingListener;
}

/** Options of {@linkcode startFake}. */
export interface StartFakeOptions extends Partial<AdapterOptions> {
  readonly flags?: readonly string[];
  readonly home?: string;
  readonly presetChanges?: Partial<Preset>;
}

/** Starts the fake agent. */
export function startFake(options: StartFakeOptions = {}): FakeAdapter {
  const { flags = [], home: given, presetChanges, ...others } = options;
  const folder = others.folder ?? Deno.makeTempDirSync({ prefix: "acp-folder-" });
  const home = given ?? Deno.makeTempDirSync({ prefix: "acp-home-" });
  const command = fakeAcpCommand("--home", home, ...flags);
  const mark = crypto.randomUUID();
  const adapter = Adapter.start({
    preset: { ...acpPreset(command), title: "Fake", ...presetChanges },
    command,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "/" },
    folder,
    mark,
    clock: systemClock,
    ...others,
  });
  return {
    adapter,
    folder,
    home,
    mark,
    listener: new RecordingListener(),
    async [Symbol.asyncDispose]() {
      await adapter.end();
      if (others.folder === undefined) await Deno.remove(folder, { recursive: true });
      if (given === undefined) await Deno.remove(home, { recursive: true });
    },
  };
}

/** Keeps what it is told, and answers permission requests as `answers` says. */
export class RecordingListener implements ConversationListener {
  readonly updates: acp.SessionUpdate[] = [];
  readonly asked: Array<
    { readonly request: acp.RequestPermissionRequest; readonly signal: AbortSignal }
  > = [];
  /** The kind of option to choose; `never` does not answer. */
  answer: acp.PermissionOptionKind | "never" = "allow_once";
  #changed = Promise.withResolvers<void>();

  update(update: acp.SessionUpdate): void {
    this.updates.push(update);
    this.#change();
  }

  permission(
    request: acp.RequestPermissionRequest,
    signal: AbortSignal,
  ): Promise<acp.RequestPermissionOutcome> {
    this.asked.push({ request, signal });
    this.#change();
    const option = request.options.find(({ kind }) => kind === this.answer);
    if (this.answer === "never") return new Promise(() => {});
    return Promise.resolve(
      option === undefined
        ? { outcome: "cancelled" }
        : { outcome: "selected", optionId: option.optionId },
    );
  }

  /** All text that was said. */
  get said(): string {
    return this.updates.map((update) =>
      update.sessionUpdate === "agent_message_chunk" && update.content.type === "text"
        ? update.content.text
        : ""
    ).join("");
  }

  /** Waits until something holds, which is looked at after each change. */
  async until(holds: (listener: RecordingListener) => boolean): Promise<void> {
    while (!holds(this)) await this.#changed.promise;
  }

  #change(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}

/** The real clock, except that timers of `heldMs` and more run when a test says so. */
export class HeldClock implements Clock {
  readonly #heldMs: number;
  readonly #held = new Set<() => void>();

  constructor(heldMs: number) {
    this.#heldMs = heldMs;
  }

  now(): number {
    return systemClock.now();
  }

  random(): number {
    return 0.5;
  }

  after(delayMs: number, run: () => void): () => void {
    if (delayMs < this.#heldMs) return systemClock.after(delayMs, run);
    this.#held.add(run);
    return () => this.#held.delete(run);
  }

  endOfTurn(run: () => void): void {
    systemClock.endOfTurn(run);
  }

  /** How many timers wait. */
  get held(): number {
    return this.#held.size;
  }

  /** Their time has come. */
  run(): void {
    for (const run of [...this.#held]) {
      this.#held.delete(run);
      run();
    }
  }
}
