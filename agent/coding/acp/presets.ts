/**
 * The coding agents that are known, as data.
 *
 * What is written here was found by running each of them, in the versions named, against a test
 * double for its model; it was different a few versions ago.
 *
 * @module
 */

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
  /** `_meta` of `session/new` and `session/load`. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** How an agent is logged in, and how that is seen without asking its model. */
export interface Login {
  /** What to do, ending in a command to paste. */
  readonly how: string;
  /** Any of these variables is a credential. */
  readonly env: readonly string[];
  /** Any of these files is one: below the home variable's folder, or below `HOME` if it is unset. */
  readonly files: ReadonlyArray<
    { readonly variable?: string; readonly path: string; readonly home: string }
  >;
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
  /** The command to paste if it is not installed. */
  readonly install: string;
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
  /** Whether a session can be loaded after a crash. */
  readonly loads: boolean;
  /** Whether it writes files through us, though we declare no `fs`. */
  readonly writesThroughClient: boolean;
  /** Programs that it needs besides itself. */
  readonly needs: ReadonlyArray<"bwrap">;
}

const CLAUDE_ASKS = { settings: { permissions: { ask: ["Bash"] } } };

const OPENCODE_ASKS = { "*": "ask", read: "allow", grep: "allow", glob: "allow", list: "allow" };

/** The agents that `--agent NAME` knows. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  claude: {
    name: "claude",
    title: "Claude Code",
    npm: { package: "@agentclientprotocol/claude-agent-acp", tried: "0.101.x" },
    command: ["claude-agent-acp"],
    install: "npm install -g @agentclientprotocol/claude-agent-acp",
    homeVariables: { CLAUDE_CONFIG_DIR: "claude" },
    homePaths: [".claude", ".claude.json", ".cache/claude-cli-nodejs"],
    passEnv: [
      "ANTHROPIC_*",
      "CLAUDE_*",
      "AWS_*",
      "GOOGLE_*",
      "CLOUD_ML_REGION",
      "VERTEX_*",
      "IS_SANDBOX",
    ],
    setEnv: {
      CLAUDE_CODE_MAX_RETRIES: "2",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false",
    },
    permissions: {
      all: { mode: "bypassPermissions" },
      edits: { mode: "default", meta: { claudeCode: { options: CLAUDE_ASKS } } },
      read: { mode: "default", meta: { claudeCode: { options: CLAUDE_ASKS } } },
      none: { mode: "default", meta: { claudeCode: { options: CLAUDE_ASKS } } },
    },
    login: {
      how: "claude /login, or set ANTHROPIC_API_KEY",
      env: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
      files: [{ variable: "CLAUDE_CONFIG_DIR", path: ".credentials.json", home: ".claude" }],
    },
    loads: true,
    writesThroughClient: false,
    needs: [],
  },
  codex: {
    name: "codex",
    title: "Codex",
    npm: { package: "@agentclientprotocol/codex-acp", tried: "2.6.x" },
    command: ["codex-acp"],
    install: "npm install -g @agentclientprotocol/codex-acp",
    agentName: "@agentclientprotocol/codex-acp",
    homeVariables: { CODEX_HOME: "codex" },
    homePaths: [".codex"],
    passEnv: ["OPENAI_*", "CODEX_*", "AZURE_OPENAI_*", "MODEL_PROVIDER", "DEFAULT_AUTH_REQUEST"],
    setEnv: { NO_BROWSER: "1" },
    permissions: {
      all: { mode: "agent-full-access" },
      edits: { mode: "workspace-write" },
      read: { mode: "read-only" },
      none: { mode: "read-only" },
    },
    login: {
      how: "codex login, or set OPENAI_API_KEY",
      env: ["OPENAI_API_KEY", "CODEX_API_KEY"],
      files: [{ variable: "CODEX_HOME", path: "auth.json", home: ".codex" }],
    },
    loads: true,
    writesThroughClient: false,
    needs: ["bwrap"],
  },
  gemini: {
    name: "gemini",
    title: "Gemini CLI",
    npm: { package: "@google/gemini-cli", tried: "0.61.x" },
    command: ["gemini", "--acp"],
    install: "npm install -g @google/gemini-cli",
    homeVariables: { GEMINI_CLI_HOME: "gemini" },
    homePaths: [".gemini"],
    passEnv: ["GEMINI_*", "GOOGLE_*"],
    setEnv: { GEMINI_CLI_NO_RELAUNCH: "true" },
    permissions: {
      all: { mode: "yolo" },
      edits: { mode: "default" },
      read: { mode: "default" },
      none: { mode: "default" },
    },
    login: {
      how: "gemini, and choose a way to log in; or set GEMINI_API_KEY",
      env: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
      files: [{ variable: "GEMINI_CLI_HOME", path: ".gemini/oauth_creds.json", home: "" }],
    },
    loads: false,
    writesThroughClient: false,
    needs: [],
  },
  opencode: {
    name: "opencode",
    title: "opencode",
    npm: { package: "opencode-ai", tried: "1.18.x" },
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
      all: { setEnv: { OPENCODE_PERMISSION: JSON.stringify({ "*": "allow" }) } },
      edits: { setEnv: { OPENCODE_PERMISSION: JSON.stringify(OPENCODE_ASKS) } },
      read: { setEnv: { OPENCODE_PERMISSION: JSON.stringify(OPENCODE_ASKS) } },
      none: { setEnv: { OPENCODE_PERMISSION: JSON.stringify({ "*": "ask" }) } },
    },
    login: {
      how: "opencode auth login",
      env: ["OPENCODE_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENCODE_AUTH_CONTENT"],
      files: [{ variable: "XDG_DATA_HOME", path: "opencode/auth.json", home: ".local/share" }],
    },
    loads: true,
    writesThroughClient: true,
    needs: [],
  },
};
