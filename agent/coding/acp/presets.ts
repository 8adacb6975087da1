/**
 * The coding agents that are known, as data.
 *
 * What is written here was found by running each of them, in the versions named, against a test
 * double for its model; it was different a few versions ago.
 *
 * @module
 */
import {
  ANY_GATEWAY,
  CLAUDE_GATEWAY,
  CODEX_GATEWAY,
  type GatewaySetup,
  GEMINI_GATEWAY,
  OPENCODE_GATEWAY,
  QWEN_GATEWAY,
} from "./gateway_setup.ts";

/**
 * What an agent may do without a person: `all`; `edits`, which reads and edits inside the worktree
 * and leaves commands to rules; `read`; `none`, which asks about everything.
 */
export type PermissionLevel = "all" | "edits" | "read" | "none";

/** How an agent is made to ask us about what a permission level does not simply allow. */
export interface PermissionSetup {
  /** The session mode to set. */
  readonly mode?: string;
  /** Variables that its process needs. */
  readonly setEnv?: Readonly<Record<string, string>>;
  /** Variables that it needs besides if it runs as root. */
  readonly setEnvOfRoot?: Readonly<Record<string, string>>;
  /** `_meta` of `session/new` and `session/load`. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A file that has a login, below the folder that `variable` names, else below `HOME`/`home`. */
export interface LoginFile {
  readonly variable?: string;
  readonly home: string;
  readonly path: string;
}

/** How an agent is logged in, and how that is seen without asking its model. */
export interface Login {
  /** What to do, ending in a command to paste. */
  readonly how: string;
  /** Any of these variables is a credential. */
  readonly env: readonly string[];
  /** Any of these files is one. */
  readonly files: readonly LoginFile[];
  /** Methods of ACP's `authenticate` that need no person if the variable is set. */
  readonly methods?: Readonly<Record<string, string>>;
}

/** A coding agent. */
export interface Preset {
  /** In commands: `--agent claude`. */
  readonly name: string;
  /** In messages. */
  readonly title: string;
  /** The package that brings the command, and the versions that were tried. */
  readonly npm?: { readonly package: string; readonly tried: string };
  /** Program and arguments that make it speak ACP. */
  readonly command: readonly string[];
  /** The command to paste if it is not installed, if one is known. */
  readonly install?: string;
  /** The name that it must give itself, where another program has the same command. */
  readonly agentName?: string;
  /** Variables that move its home, and the folder below an isolated home that each is set to. */
  readonly homeVariables: Readonly<Record<string, string>>;
  /** What it writes to below `HOME` where they are not set; a sandbox must let it. */
  readonly homePaths: readonly string[];
  /** Variables that pass from the agent's environment to it; `*` stands for anything. */
  readonly passEnv: readonly string[];
  /** Variables that are always set; what somebody gives by `--env` goes before them. */
  readonly setEnv: Readonly<Record<string, string>>;
  readonly permissions: Readonly<Record<PermissionLevel, PermissionSetup>>;
  readonly login: Login;
  /** How its model is asked through the gateway. */
  readonly gateway: GatewaySetup;
  /** Whether a session can be loaded after a crash. */
  readonly loads: boolean;
  /** Whether it writes files through us, though we declare no `fs`. */
  readonly writesThroughClient: boolean;
  /** The title of a request for permission is the whole command. */
  readonly commandIsTitle?: true;
  /** The tokens that it tells of a prompt are those of its last request only. */
  readonly usageOfLastStep?: true;
  /** Programs that it needs besides itself. */
  readonly needs: ReadonlyArray<"bwrap">;
}

/** Claude asks about a tool that such a rule names, also about commands that only read. */
function claudeAsks(...ask: string[]): Readonly<Record<string, unknown>> {
  return { claudeCode: { options: { settings: { permissions: { ask } } } } };
}

/**
 * opencode lays this over the user's configuration, key by key. So each key is named: a user's
 * `bash: "allow"` would go before our `*`.
 */
function opencodePermission(answer: string, reads: string): Readonly<Record<string, string>> {
  const read = { read: reads, grep: reads, glob: reads, list: reads, lsp: reads };
  const act = ["edit", "bash", "task", "skill", "webfetch", "websearch", "external_directory"];
  const others = Object.fromEntries(act.map((name) => [name, answer]));
  return { OPENCODE_PERMISSION: JSON.stringify({ "*": answer, ...others, ...read }) };
}

/**
 * `@agentclientprotocol/claude-agent-acp` 0.101.0, with Claude Code 2.1.332. In `default` it asks
 * for each edit, and for commands except those that it takes for reading, such as `ls`: the rules
 * `ask` have it ask about these too, and then it offers no "always". A rejected tool is told to the
 * model, and the turn goes on. `bypassPermissions` is not offered to root without `IS_SANDBOX`.
 * Without a login `session/new` works and the prompt is answered with -32000. A load keeps the mode.
 * After SIGKILL its commands run on.
 */
const CLAUDE: Preset = {
  name: "claude",
  title: "Claude Code",
  npm: { package: "@agentclientprotocol/claude-agent-acp", tried: "0.101" },
  command: ["claude-agent-acp"],
  install: "npm install -g @agentclientprotocol/claude-agent-acp",
  homeVariables: { CLAUDE_CONFIG_DIR: "claude" },
  homePaths: [".claude", ".claude.json"],
  passEnv: [
    "ANTHROPIC_*",
    "CLAUDE_*",
    "AWS_REGION",
    "AWS_PROFILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUD_ML_REGION",
  ],
  setEnv: {
    // It is silent while it tries again: ten times, for more than 45 s. A retry is the relay's.
    CLAUDE_CODE_MAX_RETRIES: "2",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // Asks the model what the user might say next, after each turn.
    CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false",
  },
  permissions: {
    all: { mode: "bypassPermissions", setEnvOfRoot: { IS_SANDBOX: "1" } },
    edits: { mode: "default", meta: claudeAsks("Bash") },
    read: { mode: "default", meta: claudeAsks("Bash") },
    none: {
      mode: "default",
      meta: claudeAsks(
        ...["Bash", "Read", "Glob", "Grep", "Edit", "Write", "NotebookEdit"],
        ...["WebFetch", "WebSearch", "Task"],
      ),
    },
  },
  login: {
    how: "log in with: claude /login (or set ANTHROPIC_API_KEY)",
    env: [
      "ANTHROPIC_API_KEY",
      "ANTHROPIC_AUTH_TOKEN",
      "CLAUDE_CODE_OAUTH_TOKEN",
      "CLAUDE_CODE_USE_BEDROCK",
      "CLAUDE_CODE_USE_VERTEX",
    ],
    files: [{ variable: "CLAUDE_CONFIG_DIR", path: ".credentials.json", home: ".claude" }],
  },
  gateway: CLAUDE_GATEWAY,
  loads: true,
  writesThroughClient: false,
  needs: [],
};

/**
 * `@agentclientprotocol/codex-acp` 2.6.0, with Codex 0.166. It asks for what its sandbox does not
 * let it do, not for commands as such: in `workspace-write` commands write in the worktree unasked;
 * in `read-only` it asks for each edit, and for a command when the model wants it outside of the
 * sandbox, after it has failed in it. So `read-only` is the mode in which the decision is ours. A
 * rejected request ends the turn `cancelled`. `agent`, its default, has a model decide. A load puts
 * the mode back. SIGKILL of the adapter ends its commands; `session/cancel` does not end them all.
 */
const CODEX: Preset = {
  name: "codex",
  title: "Codex",
  npm: { package: "@agentclientprotocol/codex-acp", tried: "2.6" },
  command: ["codex-acp"],
  install: "npm install -g @agentclientprotocol/codex-acp",
  // `@zed-industries/codex-acp` brings a command of the same name, without failures and tokens.
  agentName: "@agentclientprotocol/codex-acp",
  homeVariables: { CODEX_HOME: "codex" },
  homePaths: [".codex"],
  passEnv: ["OPENAI_*", "CODEX_*", "AZURE_OPENAI_*", "MODEL_PROVIDER", "DEFAULT_AUTH_REQUEST"],
  setEnv: { NO_BROWSER: "1" },
  permissions: {
    all: { mode: "agent-full-access" },
    edits: { mode: "read-only" },
    read: { mode: "read-only" },
    none: { mode: "read-only" },
  },
  login: {
    how: "log in with: codex login (or set OPENAI_API_KEY)",
    env: ["OPENAI_API_KEY", "CODEX_API_KEY"],
    files: [
      { variable: "CODEX_HOME", path: "auth.json", home: ".codex" },
    ],
    methods: { CODEX_API_KEY: "api-key", OPENAI_API_KEY: "api-key" },
  },
  gateway: CODEX_GATEWAY,
  loads: true,
  writesThroughClient: false,
  needs: ["bwrap"],
};

/**
 * `@google/gemini-cli` 0.61.0. In `default` it asks for each edit and command, except commands that
 * it takes for reading; a request has the title, kind and paths, and no input. A rejected tool is
 * told to the model, and the turn goes on. `yolo` is refused in a folder that is not trusted. It
 * says that it can load a session, and never can. It does not end a cancelled turn until a pending
 * request is answered, nor itself at the end of its input.
 */
const GEMINI: Preset = {
  name: "gemini",
  title: "Gemini CLI",
  npm: { package: "@google/gemini-cli", tried: "0.61" },
  command: ["gemini", "--acp"],
  install: "npm install -g @google/gemini-cli",
  homeVariables: { GEMINI_CLI_HOME: "gemini" },
  homePaths: [".gemini"],
  passEnv: ["GEMINI_*", "GOOGLE_*"],
  // Otherwise it starts itself again in a second process, which signals do not reach.
  setEnv: { GEMINI_CLI_NO_RELAUNCH: "true" },
  permissions: {
    all: { mode: "yolo", setEnv: { GEMINI_CLI_TRUST_WORKSPACE: "true" } },
    edits: { mode: "default" },
    read: { mode: "default" },
    none: { mode: "default" },
  },
  login: {
    how: "log in with: gemini (or set GEMINI_API_KEY)",
    env: ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"],
    files: [{ variable: "GEMINI_CLI_HOME", path: ".gemini/oauth_creds.json", home: "" }],
    methods: { GEMINI_API_KEY: "gemini-api-key" },
  },
  gateway: GEMINI_GATEWAY,
  loads: false,
  writesThroughClient: false,
  commandIsTitle: true,
  needs: [],
};

/**
 * `opencode-ai` 1.18.33. It has no modes that matter here, and asks as `OPENCODE_PERMISSION` says; a
 * path outside of the worktree is asked for first, with the kind `other`, and then the tool. A
 * rejected request ends the turn, `end_turn` without a text. It writes files through us, after it
 * has asked, though we declare no `fs`. After SIGKILL its commands run on.
 */
const OPENCODE: Preset = {
  name: "opencode",
  title: "opencode",
  npm: { package: "opencode-ai", tried: "1.18" },
  command: ["opencode", "acp"],
  install: "npm install -g opencode-ai",
  homeVariables: {
    XDG_DATA_HOME: "opencode/data",
    XDG_CONFIG_HOME: "opencode/config",
    XDG_STATE_HOME: "opencode/state",
    XDG_CACHE_HOME: "opencode/cache",
  },
  homePaths: [
    ".local/share/opencode",
    ".config/opencode",
    ".local/state/opencode",
    ".cache/opencode",
  ],
  passEnv: ["OPENCODE_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "GOOGLE_*", "OPENROUTER_*"],
  setEnv: { OPENCODE_DISABLE_AUTOUPDATE: "true" },
  permissions: {
    all: { setEnv: opencodePermission("allow", "allow") },
    edits: { setEnv: opencodePermission("ask", "allow") },
    read: { setEnv: opencodePermission("ask", "allow") },
    none: { setEnv: opencodePermission("ask", "ask") },
  },
  login: {
    how: "log in with: opencode auth login",
    env: [
      "OPENCODE_API_KEY",
      "OPENCODE_AUTH_CONTENT",
      "OPENCODE_CONFIG_CONTENT",
      "ANTHROPIC_API_KEY",
      "OPENAI_API_KEY",
      "GEMINI_API_KEY",
      "OPENROUTER_API_KEY",
    ],
    files: [
      { variable: "XDG_DATA_HOME", path: "opencode/auth.json", home: ".local/share" },
      { variable: "XDG_CONFIG_HOME", path: "opencode/opencode.json", home: ".config" },
    ],
  },
  gateway: OPENCODE_GATEWAY,
  loads: true,
  writesThroughClient: true,
  usageOfLastStep: true,
  needs: [],
};

/**
 * `@qwen-code/qwen-code` 0.24.4. One turn alone was tried. It grew out of Gemini CLI; it asks its
 * client things of its own (`craft/drainMidTurnQueue`), which are answered "method not found".
 */
const QWEN: Preset = {
  name: "qwen",
  title: "Qwen Code",
  npm: { package: "@qwen-code/qwen-code", tried: "0.24" },
  command: ["qwen", "--acp"],
  install: "npm install -g @qwen-code/qwen-code",
  homeVariables: { HOME: "qwen" },
  homePaths: [".qwen"],
  passEnv: ["QWEN_*", "DASHSCOPE_*", "OPENAI_*"],
  setEnv: {},
  permissions: {
    all: { mode: "yolo" },
    edits: { mode: "default" },
    read: { mode: "default" },
    none: { mode: "default" },
  },
  login: {
    how: "log in with: qwen (or set OPENAI_API_KEY)",
    env: ["OPENAI_API_KEY", "DASHSCOPE_API_KEY"],
    files: [{ path: ".qwen/oauth_creds.json", home: "" }],
  },
  gateway: QWEN_GATEWAY,
  loads: false,
  writesThroughClient: false,
  commandIsTitle: true,
  needs: [],
};

/** The agents that `--agent NAME` knows. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  claude: CLAUDE,
  codex: CODEX,
  gemini: GEMINI,
  opencode: OPENCODE,
  qwen: QWEN,
};

/**
 * A preset for any other agent that speaks ACP. Nothing is known of it: it stays in its own mode,
 * asks as it likes, and gets no variable that was not asked for.
 *
 * @param command Program and arguments.
 */
export function acpPreset(command: readonly string[]): Preset {
  const program = command[0] ?? "";
  return {
    name: "acp",
    title: program.split("/").at(-1) ?? program,
    command,

    homeVariables: { HOME: "" },
    homePaths: [],
    passEnv: [],
    setEnv: {},
    permissions: { all: {}, edits: {}, read: {}, none: {} },
    login: { how: "log in with its own command, or pass its key with --env", env: [], files: [] },
    gateway: ANY_GATEWAY,
    loads: true,
    writesThroughClient: true,
    needs: [],
  };
}
