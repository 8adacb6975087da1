/**
 * A repository, and a coding agent that works in it: the fake one, in processes of its own.
 *
 * @module
 */
import { join } from "node:path";
import { listRecords, type WorkRecord } from "@ourocodus/git";
import { TestRepository } from "../../git/testing/test_repository.ts";
import { CodingAgent, type CodingOptions } from "../coding/mod.ts";
import { WorkAbortedError } from "../errors.ts";
import type { WorkContext } from "../work.ts";
import { fakeAcpCommand } from "./fake_acp_command.ts";

/** What a test looks into without knowing its shape. */
// deno-lint-ignore no-explicit-any
type Any = any;

/** A work item in the hands of a coding agent. */
export interface CodingWork {
  /** The result's payload, or what was thrown. */
  readonly outcome: Promise<{ readonly result?: Any; readonly error?: Any }>;
  /** All updates of its progress, in order. */
  updates(): Any[];
  /** A relay has taken it back, or the agent stops. */
  abort(code: string): void;
  /** Its result is stored. */
  stored(): void;
}

/** How work comes. */
export interface CodingWorkOptions {
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly attempt?: number;
  readonly sequence?: number;
  readonly maxPayloadBytes?: number;
  /** What people answer. */
  readonly ask?: WorkContext["ask"];
}

/** A repository, and the fake coding agent in it. */
export class FakeCodingScene implements AsyncDisposable {
  /** Everything is in it: the repository, `worktrees`, the fake agent's memory in `home`. */
  readonly root: string;
  readonly #repository: TestRepository;
  readonly #agents: CodingAgent[] = [];

  private constructor(repository: TestRepository) {
    this.#repository = repository;
    this.root = repository.folder;
  }

  static async make(
    files: Readonly<Record<string, string>> = { "a.txt": "one\n" },
  ): Promise<FakeCodingScene> {
    const scene = new FakeCodingScene(await TestRepository.create(files));
    await Deno.mkdir(scene.#home);
    return scene;
  }

  /** A path in the main checkout. */
  repo(name = ""): string {
    return join(this.#repository.root, name);
  }

  /** Runs git in the main checkout. @returns What it says. */
  git(...args: string[]): Promise<string> {
    return this.#repository.git(this.#repository.root, ...args);
  }

  /** Folders of worktrees that hold one. */
  async worktrees(): Promise<string[]> {
    const list = await this.git("worktree", "list", "--porcelain");
    return [...list.matchAll(/^worktree (.*)$/gm)].map(([, path = ""]) => path).slice(1);
  }

  /** The names in a folder of the folder of worktrees. */
  async files(folder: string): Promise<string[]> {
    const path = join(this.root, "worktrees", folder);
    const entries = await Array.fromAsync(Deno.readDir(path)).catch(() => []);
    return entries.map(({ name }) => name).sort();
  }

  /** The one record that there is. */
  async record(): Promise<WorkRecord> {
    const { records: [record] } = await listRecords(join(this.root, "worktrees"));
    if (record === undefined) throw new Error("There is no record");
    return record;
  }

  /** An agent; disposed of with the scene. */
  agent(
    options: Partial<CodingOptions> = {},
    { flags = [] }: { readonly flags?: readonly string[] } = {},
  ): CodingAgent {
    const agent = new CodingAgent({
      command: this.#command(...flags),
      repo: this.repo(),
      worktrees: join(this.root, "worktrees"),
      sandbox: "none",
      writable: [this.#home],
      permissions: "all",
      inherited: Deno.env.toObject(),
      ...options,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** The fake agent under the name of a known coding agent's program. */
  async agentNamed(agent: string, program: string): Promise<CodingAgent> {
    const bin = join(this.root, "bin");
    await Deno.mkdir(bin, { recursive: true });
    const script = `#!/bin/sh\nexec ${this.#command().map((word) => `'${word}'`).join(" ")}\n`;
    await Deno.writeTextFile(join(bin, program), script, { mode: 0o755 });
    const PATH = `${bin}:${Deno.env.get("PATH")}`;
    const inherited = { ...Deno.env.toObject(), PATH };
    return this.agent({ agent, command: undefined, inherited });
  }

  /** Hands work to an agent. @param script In the fake agent's language. */
  work(agent: CodingAgent, script: string, options: CodingWorkOptions = {}): CodingWork {
    const { payload = {}, attempt = 1, sequence = 1, maxPayloadBytes = 1_000_000 } = options;
    const abort = new AbortController();
    const progress: Any[] = [];
    const listeners: Array<() => void> = [];
    const context: WorkContext = {
      progress: (told) => void progress.push(told),
      onStored: (listener) => void listeners.push(listener),
      ask: options.ask ?? (() => Promise.reject(new Error("nobody is asked"))),
      attempt,
      signal: abort.signal,
      maxPayloadBytes,
      session: "shop",
      role: "coder",
      agentId: "agent",
    };
    const message = {
      id: `work-${sequence}`,
      type: "work",
      payload: { message: `FAKE: ${script}`, ...payload },
    };
    const work = { ...message, attempt, sequence, key: `${sequence}.1700000000000000000`, message };
    return {
      outcome: Promise.resolve(agent.handler(work, context)).then(
        (result) => ({ result }),
        (error) => ({ error }),
      ),
      updates: () => progress.flatMap(({ updates }) => updates),
      abort: (code) =>
        abort.abort(new WorkAbortedError(code, `The relay cancelled this work: ${code}`)),
      stored: () => listeners.forEach((listener) => listener()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) await agent[Symbol.asyncDispose]();
    await this.#repository[Symbol.asyncDispose]();
  }

  get #home(): string {
    return join(this.root, "home");
  }

  #command(...flags: readonly string[]): string[] {
    return fakeAcpCommand("--home", this.#home, ...flags);
  }
}
