import { delimiter, dirname, join } from "node:path";
import { endProcessesWith, processesWith } from "../processes_with.ts";
import { agentsFolder } from "./find.ts";
import type { CodingAgentName } from "./pinned.ts";

/** A home for a coding agent, in which it talks to the model's double. Disposing removes it. */
export interface AgentHome extends AsyncDisposable {
  readonly folder: string;
  /**
   * What its environment needs besides: `HOME`, since agents run commands in a shell with its user's
   * profile, `PATH`, which begins with the folder of its program, and the agent's own.
   */
  readonly env: Readonly<Record<string, string>>;
  /** The processes that have this environment: the agent's, and those of its commands. */
  processes(): number[];
}

/** A key like any other: the double takes all. */
const KEY = "test-key";

/**
 * Makes a home for a coding agent: nothing that it writes is elsewhere, and the user's own login and
 * settings are not in it. What still runs there when it is disposed of is ended.
 *
 * @param name The coding agent.
 * @param program Its program.
 * @param modelUrl The model's double, without a path.
 * @returns The home; dispose of it with `await using`.
 */
export async function makeAgentHome(
  name: CodingAgentName,
  program: string,
  modelUrl: string,
): Promise<AgentHome> {
  // Not in the system's temporary folder, which Codex' sandbox covers.
  const homes = join(dirname(agentsFolder(Deno.env.toObject())), "test-homes");
  await Deno.mkdir(homes, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: homes, prefix: `${name}-` });
  for (const [path, text] of Object.entries(filesOf(name, modelUrl))) {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  }
  const path = [dirname(program), Deno.env.get("PATH") ?? ""].join(delimiter);
  return {
    folder,
    env: { HOME: folder, PATH: path, ...variablesOf(name, folder, modelUrl) },
    processes: () => processesWith(`HOME=${folder}`),
    async [Symbol.asyncDispose]() {
      await endProcessesWith(`HOME=${folder}`);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function filesOf(name: CodingAgentName, modelUrl: string): Record<string, string> {
  switch (name) {
    case "codex":
      return { "config.toml": codexConfig(modelUrl) };
    case "gemini":
      return {
        ".gemini/settings.json": JSON.stringify({
          // Without it: "Invalid auth method selected".
          security: { auth: { selectedType: "gemini-api-key" } },
          general: { enableAutoUpdate: false },
          privacy: { usageStatisticsEnabled: false },
        }),
      };
    case "opencode":
      // It installs a package of its own into each home, from the registry.
      return { ".npmrc": "offline=true\n" };
    default:
      return {};
  }
}

function variablesOf(
  name: CodingAgentName,
  folder: string,
  modelUrl: string,
): Record<string, string> {
  switch (name) {
    case "claude":
      return {
        CLAUDE_CONFIG_DIR: folder,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        ANTHROPIC_BASE_URL: modelUrl,
        ANTHROPIC_API_KEY: KEY,
        // Without it, root is refused the mode that asks for no permission.
        ...(Deno.uid() === 0 ? { IS_SANDBOX: "1" } : {}),
      };
    case "codex":
      return { CODEX_HOME: folder, OPENAI_API_KEY: KEY };
    case "gemini":
      return {
        GEMINI_CLI_HOME: folder,
        GOOGLE_GEMINI_BASE_URL: modelUrl,
        GEMINI_API_KEY: KEY,
        GEMINI_CLI_NO_RELAUNCH: "true",
      };
    case "opencode":
      return {
        ...Object.fromEntries(
          ["DATA", "CONFIG", "STATE", "CACHE"].map((kind) => [
            `XDG_${kind}_HOME`,
            join(folder, kind.toLowerCase()),
          ]),
        ),
        // What counts as a login; the key that is used is in the configuration.
        OPENAI_API_KEY: KEY,
        OPENCODE_DISABLE_MODELS_FETCH: "true",
        OPENCODE_CONFIG_CONTENT: JSON.stringify(opencodeConfig(modelUrl)),
      };
  }
}

function codexConfig(modelUrl: string): string {
  return `model = "gpt-5.5"
model_provider = "mock"
check_for_update_on_startup = false
[model_providers.mock]
name = "mock"
base_url = "${modelUrl}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
`;
}

function opencodeConfig(modelUrl: string): object {
  const model = {
    name: "Mock",
    tool_call: true,
    cost: { input: 3, output: 15 },
    limit: { context: 200_000, output: 8_000 },
  };
  return {
    autoupdate: false,
    share: "disabled",
    model: "mock/mock-model",
    small_model: "mock/mock-model",
    provider: {
      mock: {
        npm: "@ai-sdk/openai-compatible",
        name: "Mock",
        options: { baseURL: `${modelUrl}/v1`, apiKey: KEY },
        models: { "mock-model": model },
      },
    },
  };
}
