/**
 * Asking the supervisor of a home, starting it first where it is needed.
 *
 * @module
 */
import { messageOf, pause } from "@ourocodus/protocol";
import { type ControlAnswer, type ControlRequest, readLine, writeLine } from "./control_request.ts";
import { type Home, logPath, makeHome } from "./home.ts";
import { launch } from "./launched_process.ts";
import { lastLines, sizeOf } from "./log_file.ts";
import { isAlive } from "./process_identity.ts";
import type { ProcessView } from "./process_spec.ts";
import { program } from "./programs.ts";
import { readState, type SupervisorRecord } from "./state_file.ts";
import { SUPERVISOR } from "./supervisor_log.ts";
import { SystemError } from "./system_error.ts";

/** How long a supervisor may take to answer, and to begin, in milliseconds. */
const ANSWER_MS = 10_000;
const BEGIN_MS = 60_000;
const LOOK_MS = 50;
/** How many lines are shown of the log of something that failed. */
export const SHOWN_LINES = 12;

/** Talks to a supervisor that runs. */
export class ControlClient {
  readonly record: SupervisorRecord;
  readonly #home: Home;

  constructor(record: SupervisorRecord, home: Home) {
    this.record = record;
    this.#home = home;
  }

  /**
   * Asks.
   *
   * @returns How everything is now.
   * @throws {SystemError} If it refuses, or does not answer.
   */
  async ask(request: ControlRequest): Promise<readonly ProcessView[]> {
    const answer = await this.#exchange(request);
    if (answer.kind === "error") throw new SystemError(answer.message);
    return answer.processes;
  }

  /** Everything that it keeps; undefined once it has ended. */
  async list(): Promise<readonly ProcessView[] | undefined> {
    try {
      return await this.ask({ type: "list" });
    } catch (error) {
      // Its state file is the last that it removes before it takes no more requests.
      const found = await findSupervisor(this.#home);
      if (found?.record.token !== this.record.token) return undefined;
      throw error;
    }
  }

  async #exchange(request: ControlRequest): Promise<ControlAnswer> {
    const { controlPort: port, token, identity } = this.record;
    let connection: Deno.Conn | undefined;
    let isLate = false;
    const close = () => {
      connection?.close();
      connection = undefined;
    };
    const timer = setTimeout(() => {
      isLate = true;
      close();
    }, ANSWER_MS);
    try {
      connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeLine(connection, { token, request });
      const line = await readLine(connection);
      if (line === undefined) throw new SystemError("it closed the connection");
      return JSON.parse(line) as ControlAnswer;
    } catch (error) {
      const why = isLate ? `nothing within ${ANSWER_MS / 1_000} s` : messageOf(error);
      throw new SystemError(
        `The supervisor, pid ${identity.pid}, does not answer: ${why}. "kill -KILL ${identity.pid}" ` +
          `ends it, what it has started runs on, and "ourocodus start" takes that over`,
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
      close();
    }
  }
}

/** The supervisor of a home; undefined if none runs. */
export async function findSupervisor(home: Home): Promise<ControlClient | undefined> {
  const state = await readState(home);
  if (state === undefined || !await isAlive(state.supervisor.identity)) return undefined;
  return new ControlClient(state.supervisor, home);
}

/**
 * The supervisor of a home, started if none runs.
 *
 * @param environment What it is started with.
 * @throws {SystemError} If it does not begin; with the end of its log.
 */
export async function ensureSupervisor(
  home: Home,
  environment: Readonly<Record<string, string>>,
): Promise<ControlClient> {
  const found = await findSupervisor(home);
  if (found !== undefined) return found;
  await makeHome(home);
  const log = logPath(home, SUPERVISOR, "part");
  const from = await sizeOf(log);
  const { command, args } = program("cli");
  const { child, ended } = await launch(
    { command, args: [...args, SUPERVISE], cwd: home.folder, log },
    { ...environment, OUROCODUS_HOME: home.folder },
  );
  let hasEnded = false;
  void ended.then(() => hasEnded = true);
  for (const deadline = performance.now() + BEGIN_MS; performance.now() < deadline;) {
    // Another may have been faster; then ours has ended, and that one is as good.
    const gone = hasEnded;
    const client = await findSupervisor(home);
    if (client !== undefined) {
      child.unref();
      return client;
    }
    if (gone) break;
    await pause(LOOK_MS);
  }
  child.unref();
  throw new SystemError(`The supervisor did not begin. The end of ${log}:`, {
    lines: await lastLines(log, SHOWN_LINES, { from }),
  });
}

/** The command that runs a supervisor. */
export const SUPERVISE = "supervise";
