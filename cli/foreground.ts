/**
 * A supervisor in the terminal: it shows the logs, and ends with Ctrl-C, SIGTERM or the terminal.
 *
 * @module
 */
import {
  type ControlClient,
  EndRequests,
  fileLog,
  type Home,
  logEnds,
  Supervisor,
  SystemError,
} from "@ourocodus/system";
import type { Console } from "./console.ts";
import { followLogs, LogScreen } from "./show_logs.ts";

/** Options of {@linkcode runForeground}. */
export interface ForegroundOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Starts what it is to keep. */
  readonly bringUp: (client: ControlClient, signal: AbortSignal) => Promise<void>;
}

/**
 * Runs until it is ended; everything has been stopped then. A second signal stops it at once.
 *
 * @throws What `bringUp` throws, and {@linkcode SystemError} if another supervisor has the home.
 */
export async function runForeground(
  home: Home,
  console: Console,
  { environment, bringUp }: ForegroundOptions,
): Promise<void> {
  const ends = await logEnds(home);
  const supervisor = await Supervisor.begin(home, { environment });
  const starting = new AbortController();
  const requests = new EndRequests();
  console.takeSignals?.((signal) => {
    const wish = requests.heard(signal, performance.now());
    if (wish === undefined) return;
    starting.abort(new SystemError("It was ended while it started"));
    const now = wish === "now";
    // Nobody may be there to read it.
    console.out.write(now ? "stopping at once\n" : "stopping; once more stops at once\n")
      .catch(() => {});
    void supervisor.end({ now });
  });
  const following = new AbortController();
  const screen = new LogScreen(console, { prefixed: true });
  const logs = () =>
    Promise.resolve(supervisor.views.map(({ spec }) => fileLog(spec.name, spec.log)));
  const shown = followLogs(logs, screen, { signal: following.signal, ends }).catch(() => {});
  try {
    await bringUp(supervisor.client, starting.signal);
    await supervisor.ended;
  } catch (error) {
    await supervisor.end();
    if (!requests.any) throw error;
  } finally {
    following.abort();
    await shown;
  }
}

/** The same in the background: nothing is shown. */
export async function runBackground(
  home: Home,
  console: Console,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const supervisor = await Supervisor.begin(home, { environment });
  const requests = new EndRequests();
  console.takeSignals?.((signal) => {
    // A terminal that is closed is no reason.
    if (signal === "SIGHUP") return;
    const wish = requests.heard(signal, performance.now());
    if (wish !== undefined) void supervisor.end({ now: wish === "now" });
  });
  await supervisor.ended;
}
