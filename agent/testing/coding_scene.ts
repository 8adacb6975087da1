/**
 * A repository, and a coding agent that works in it: the fake one, in processes of its own.
 *
 * @module
 */
import { join } from "node:path";
import { listRecords, type WorkRecord } from "@ourocodus/git";
import { fileURLToPath } from "node:url";
import { CodingAgent, type CodingOptions } from "../coding/mod.ts";
import { WorkAbortedError } from "../errors.ts";
import type { WorkContext } from "../work.ts";

const FAKE = fileURLToPath(new URL("./fake_acp_agent.ts", import.meta.url));

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
}

/** A repository, and the fake coding agent in it. */
export class CodingScene implements AsyncDisposable {
  /** Everything is in it: `repo`, `worktrees`, the fake agent's memory in `home`. */
  readonly root: string;
  readonly #agents: CodingAgent[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async make(
    files: Readonly<Record<string, string>> = { "a.txt": "one\n" },
  ): Promise<CodingScene> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "ourocodus-coding-" }));
    const scene = new CodingScene(root);
    await Deno.mkdir(join(root, "repo"));
    await Deno.mkdir(join(root, "home"));
    await scene.git("init", "--quiet", "--initial-branch", "main");
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(scene.repo(name), text);
    }
    await scene.git("add", "--all");
    await scene.git("commit", "--quiet", "--message", "Begin");
    return scene;
  }

  /** A path in the main checkout. */
  repo(name = ""): string {
    return join(this.root, "repo", name);
  }

  /** Runs git in the main checkout. @returns What it says. */
  async git(...args: string[]): Promise<string> {
    const who = ["-c", "user.name=Test", "-c", "user.email=test@localhost"];
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args: [...who, ...args],
      cwd: this.repo(),
      env: { LC_ALL: "C" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trimEnd();
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
    const home = join(this.root, "home");
    const agent = new CodingAgent({
      command: [Deno.execPath(), "run", "-A", "--quiet", FAKE, "--home", home, ...flags],
      repo: this.repo(),
      worktrees: join(this.root, "worktrees"),
      sandbox: "none",
      writable: [home],
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
    const words = [
      Deno.execPath(),
      "run",
      "-A",
      "--quiet",
      FAKE,
      "--home",
      join(this.root, "home"),
    ];
    const script = `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")}\n`;
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
    await Deno.remove(this.root, { recursive: true });
  }
}
