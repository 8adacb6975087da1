/**
 * The memory of the agent program with a coding agent that waits, without the coding agent.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import { fakeAcpCommand } from "../agent/testing/fake_acp_command.ts";
import { GitRepository } from "../tests/support/git_repository.ts";
import { ROOT, startNats, startProcess, startRelay, until } from "../tests/support/mod.ts";
import { bytesOf } from "./process_cost.ts";

/** What the agent program takes, without the coding agent. */
export interface BridgeMemory {
  readonly name: string;
  /** What is in RAM. */
  readonly rssBytes: number;
  /** The same, with what other processes have in common counted in parts. */
  readonly pssBytes: number;
  /** What no other process has. */
  readonly privateBytes: number;
}

const SLOW_MS = 120_000;
/** Until what starting left behind is collected. */
const SETTLE_MS = 5_000;

const AGENT = `${ROOT}/agent/main.ts`;
/** As `ourocodus agent start` and `deno task agent` do. */
const SMALL = ["--v8-flags=--optimize-for-size"];

/** Measures the program: idle and connected, and, to compare, agents that know no coding agent. */
export async function bridgeMemory(): Promise<BridgeMemory[]> {
  const home = await Deno.makeTempDir({ prefix: "ourocodus-bench-" });
  await using repository = await GitRepository.create();
  const acp = ["--acp", "--", ...fakeAcpCommand("--home", home)];
  const coding = ["coding", "--repo", repository.folder, "--worktrees", `${home}/worktrees`];
  const empty = `${home}/empty.ts`;
  await Deno.writeTextFile(empty, "setInterval(() => {}, 1_000_000);\n");
  try {
    return [
      await memoryOf("Deno with an empty program", [empty]),
      await memoryOf("echo", [...SMALL, AGENT]),
      await memoryOf("exec", [...SMALL, AGENT, "exec", "--", "cat"]),
      await memoryOf("coding", [...SMALL, AGENT, ...coding, ...acp]),
      await memoryOf("coding, without the flag", [AGENT, ...coding, ...acp]),
    ];
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

async function memoryOf(name: string, args: readonly string[]): Promise<BridgeMemory> {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  const env = { RELAY_URL: relay.url, SESSION_ID: "bench", ROLE: "coder" };
  await using program = startProcess(Deno.execPath(), ["run", "-A", ...args], { env });
  if (args.includes(AGENT)) {
    await until(async () => {
      if (program.ended) throw program.failure("ended instead of connecting");
      return (await (await fetch(`${relay.httpUrl}/health`)).json()).agents > 0;
    }, { timeoutMs: SLOW_MS, message: `${name} to be connected` });
  }
  await pause(SETTLE_MS);
  return { name, ...memoryNow(program.pid) };
}

function memoryNow(pid: number): Omit<BridgeMemory, "name"> {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  return {
    rssBytes: bytesOf(text, "Rss"),
    pssBytes: bytesOf(text, "Pss"),
    privateBytes: bytesOf(text, "Private_Clean") + bytesOf(text, "Private_Dirty"),
  };
}
