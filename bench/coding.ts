/**
 * What a coding agent's work waits for before its prompt is sent, and what the agent program costs
 * next to the agent: `deno task bench:coding --help`.
 *
 * Agents run in processes of their own, started before the work comes. Linux only.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { fakeAcpCommand } from "../agent/testing/fake_acp_command.ts";
import { startModelDouble } from "../tests/model_double/mod.ts";
import { codingAgentsHere } from "../tests/support/coding_agents/mod.ts";
import { GitRepository } from "../tests/support/git_repository.ts";
import { type BridgeMemory, bridgeMemory } from "./coding_memory.ts";
import type { PromptReport, WorkCommand } from "./load/coding_worker.ts";
import { type LoadProcess, startLoad } from "./load_process.ts";
import { machineLine, thisMachine } from "./machine.ts";
import { latency } from "./percentiles.ts";

const HELP = `What a coding agent's work waits for before its prompt is sent

--agent fake        which, may be repeated; the fake one, and all real ones that are installed
--agents 1,4        so many on one repository, each in a process of its own, told at once
--files 10,5000     of the repository
--works 20          work items for each agent, and one before that does not count
--memory            only the memory of the agent program
`;

/** A coding agent that is measured. */
interface Contender {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly message: (n: number) => string;
}

const FILES_IN_FOLDER = 100;
/** About as long as a source file. */
const TEXT = "const rounded = Math.round(value * 100) / 100;\n".repeat(80);

const COLUMNS =
  `| agent | agents | files | p50 ms | p99 ms | before | worktree | open | prompt | git |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      agent: { type: "string", multiple: true },
      agents: { type: "string", default: "1,4" },
      files: { type: "string", default: "10,5000" },
      works: { type: "string", default: "20" },
      memory: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  await using stack = new AsyncDisposableStack();
  const double = stack.use(await startModelDouble());
  console.log(machineLine(thisMachine("none")));
  const contenders = await contendersHere(double.url, stack);
  const wanted = contenders.filter(({ name }) => values.agent?.includes(name) ?? true);
  if (!values.memory) {
    console.log(`\n${COLUMNS}`);
    for (const files of values.files.split(",").map(Number)) {
      await using repository = await GitRepository.create(filesOf(files));
      for (const contender of wanted) {
        for (const agents of values.agents.split(",").map(Number)) {
          const works = Number(values.works);
          const reports = await measure(contender, repository, { agents, works });
          print(contender, { agents, files }, reports);
        }
      }
    }
  }
  if (values.memory || values.agent === undefined) printMemory(await bridgeMemory());
}

async function contendersHere(
  modelUrl: string,
  stack: AsyncDisposableStack,
): Promise<Contender[]> {
  const home = await Deno.makeTempDir({ prefix: "ourocodus-bench-" });
  stack.defer(() => Deno.remove(home, { recursive: true }));
  const fake: Contender = {
    name: "fake",
    options: { command: fakeAcpCommand("--home", home), writable: [home] },
    env: {},
    message: (n) => `FAKE: write file-${n}.txt "text"; say "done"`,
  };
  const real = await Promise.all(
    codingAgentsHere().map(async (agent): Promise<Contender> => {
      const { env } = stack.use(await agent.home(modelUrl));
      return {
        name: agent.name,
        options: { agent: agent.name },
        env,
        message: (n) => `SCRIPT: write file-${n}.txt "text"; say "done"`,
      };
    }),
  );
  return [fake, ...real];
}

function filesOf(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => {
      const folder = Math.floor(n / FILES_IN_FOLDER);
      return [`src/${folder}/file-${n}.ts`, `// ${n}\n${TEXT}`];
    }),
  );
}

async function measure(
  { options, env, message }: Contender,
  repository: GitRepository,
  { agents, works }: { readonly agents: number; readonly works: number },
): Promise<PromptReport[]> {
  await using stack = new AsyncDisposableStack();
  const worktrees = await Deno.makeTempDir({ prefix: "ourocodus-bench-worktrees-" });
  stack.defer(() => Deno.remove(worktrees, { recursive: true }).catch(() => {}));
  const plan = { ...options, repo: repository.folder, worktrees, permissions: "all" };
  const workers: LoadProcess[] = [];
  for (let n = 0; n < agents; n++) {
    workers.push(stack.use(await startLoad("coding_worker", plan, env)));
  }
  const reports: PromptReport[] = [];
  const first = await nextSequence(repository);
  for (let round = 0; round <= works; round++) {
    const told = workers.map((worker, index) => {
      const sequence = first + round * agents + index;
      const command: WorkCommand = { sequence, message: message(sequence) };
      return worker.ask<PromptReport>(command);
    });
    const heard = await Promise.all(told);
    const failed = heard.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw new Error(failed.failure);
    if (round > 0) reports.push(...heard);
  }
  await Promise.all(workers.map((worker) => worker.end()));
  return reports;
}

/** One that no branch of the repository has. */
async function nextSequence(repository: GitRepository): Promise<number> {
  const taken = (await repository.branches()).map((name) => Number(name.split("/").at(-1)));
  return Math.max(0, ...taken.filter(Number.isInteger)) + 1;
}

function print(
  { name }: Contender,
  { agents, files }: { readonly agents: number; readonly files: number },
  reports: readonly PromptReport[],
): void {
  const quantiles = (pick: (report: PromptReport) => number) =>
    latency(Float64Array.from(reports, pick));
  const ours = quantiles(({ totalMs, agentMs }) => totalMs - agentMs);
  const cells = [
    name,
    agents,
    files.toLocaleString("en"),
    ours.p50.toFixed(1),
    ours.p99.toFixed(1),
    quantiles(({ beforeMs }) => beforeMs).p50.toFixed(1),
    quantiles(({ worktreeMs }) => worktreeMs).p50.toFixed(1),
    quantiles(({ openMs }) => openMs).p50.toFixed(1),
    quantiles(({ promptMs }) => promptMs).p50.toFixed(1),
    quantiles(({ gits }) => gits).p50,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

function printMemory(memory: readonly BridgeMemory[]): void {
  console.log("\n| agent program | RSS MB | PSS MB | of these private MB |");
  console.log("| --- | ---: | ---: | ---: |");
  for (const { name, rssBytes, pssBytes, privateBytes } of memory) {
    const cells = [rssBytes, pssBytes, privateBytes].map((bytes) => (bytes / 1e6).toFixed(0));
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}

if (import.meta.main) await main();
