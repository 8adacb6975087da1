/**
 * Work that was done in a repository: its result is in NATS, its commits are in the repository.
 *
 * @module
 */
import { Repository, type Worktree } from "@ourocodus/git";
import { join } from "node:path";
import { ENV, TestRepository, write } from "../../git/testing/test_repository.ts";
import type { SocketAgent } from "../../tests/support/mod.ts";
import { type CliOptions, start } from "./memory_console.ts";
import { type WorkScene, workScene } from "./work_scene.ts";

/** A relay, a repository and an agent; dispose of it. */
export class CodingWorkScene implements AsyncDisposable {
  readonly repository: TestRepository;
  readonly home: string;
  readonly #scene: WorkScene;
  readonly #agent: SocketAgent;

  private constructor(scene: WorkScene, repository: TestRepository, agent: SocketAgent) {
    this.#scene = scene;
    this.repository = repository;
    this.#agent = agent;
    this.home = join(repository.folder, "home");
  }

  static async create(files?: Readonly<Record<string, string>>): Promise<CodingWorkScene> {
    const scene = await workScene();
    const repository = await TestRepository.create(files);
    return new CodingWorkScene(scene, repository, await scene.agent({ agentId: "coder" }));
  }

  /** Runs a command to its end. */
  async cli(
    args: readonly string[],
    options: CliOptions = {},
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const env = { ...ENV, OUROCODUS_HOME: this.home };
    const running = start(args, { natsUrl: this.#scene.natsUrl, env, ...options });
    const code = await running.code;
    return { code, stdout: running.out.text, stderr: running.err.text };
  }

  /** Sends work, which the agent takes, and makes its worktree. */
  async begin(id: string): Promise<{ readonly sequence: number; readonly worktree: Worktree }> {
    const sequence = await this.#scene.send(id);
    await this.#agent.gets(sequence);
    const repository = await Repository.open(this.repository.root, { env: ENV });
    const worktree = await repository.addWorktree({
      folder: join(this.repository.trees, `t${sequence}`),
      branch: `ourocodus/s/r/${sequence}`,
      base: await repository.resolveBase(),
      sequence,
    });
    return { sequence, worktree };
  }

  /** Sends work, does it, and answers as a coding agent does. */
  async work(
    id: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    change: { readonly type?: "result" | "error"; readonly payload?: Record<string, unknown> } = {},
  ): Promise<{ readonly worktree: Worktree; readonly commit: string; readonly patch: string }> {
    const { sequence, worktree } = await this.begin(id);
    for (const [path, text] of Object.entries(files)) {
      await write(join(worktree.folder, path), text);
    }
    const commit = await worktree.commit({
      message: id,
      author: { name: "A", email: "a@b" },
      trailers: {},
    });
    const { patch = "" } = await worktree.changes(commit);
    const { base, branch } = worktree;
    const payload = { text: "done", base, branch, commit, patch, ...change.payload };
    const message = await this.#agent.gets(sequence);
    this.#agent.answer(message, JSON.parse(JSON.stringify(payload)), change.type ?? "result");
    await this.cli(["work", "wait", id]);
    return { worktree, commit, patch };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scene[Symbol.asyncDispose]();
    await this.repository[Symbol.asyncDispose]();
  }
}
