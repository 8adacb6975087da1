/**
 * `deno task settings`: writes what is made from the programs' tables of settings: docs/settings.md,
 * the variables of the permission sets in deno.json, and those that compose.yaml passes on.
 *
 * @module
 */
import { defaultText, type Setting, settingsIn, type SettingTable } from "@ourocodus/protocol";
import { AGENT_SETTINGS } from "../agent/settings.ts";
import { API_SETTINGS } from "../api/settings.ts";
import { CLI_SETTINGS, CLIENT_SETTINGS } from "../cli/settings.ts";
import { RELAY_SETTINGS } from "../relay/settings.ts";
import { ROOT } from "./support/mod.ts";

/** Each program: its title, where its table is, and the table. */
export const PROGRAMS: readonly (readonly [string, string, SettingTable])[] = [
  ["Relay", "relay/settings.ts", RELAY_SETTINGS],
  ["API", "api/settings.ts", API_SETTINGS],
  ["Agent", "agent/settings.ts", AGENT_SETTINGS],
  ["Command line", "cli/settings.ts", CLI_SETTINGS],
];

/** Permission sets of deno.json, and what each may read. */
export const PERMISSIONS: Readonly<Record<string, SettingTable>> = {
  relay: RELAY_SETTINGS,
  api: API_SETTINGS,
  client: CLIENT_SETTINGS,
};

/**
 * What services of compose.yaml are not given: their image or the network decides it, or it names
 * files of the host. Several servers of NATS are not in one file.
 */
const NOT_PASSED =
  /^(NATS|TLS|DOCKER)_|^(HOST|PORT|HOME)$|^OUROCODUS_(TOKEN|TOKEN_FILE|HOME|INSECURE|REPLICAS)$/;

const INTRODUCTION = `# Settings

<!-- Written by "deno task settings" from the tables in the code: change those. -->

Environment variables. One that is empty counts as not set. Durations are \`500ms\`, \`30s\`, \`10m\`,
\`1h\`, \`7d\`, or a number of seconds; sizes are \`64KB\`, \`10MB\`, \`1GB\`, in powers of 1024. A value that
cannot be used ends the program with an error that names variable, value and limit. Flags go before
variables.

\`ourocodus start\` hands relay and API their settings, except NATS' and those of where they listen.
The limits of the streams apply when the streams are created, and later if a variable sets them.
`;

/** The text of each file as it should be, by its path from the root. */
export function settingsFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/settings.md", document()],
    ["deno.json", permissions(read("deno.json"))],
    ["compose.yaml", passed(read("compose.yaml"))],
  ]);
}

/** The variables of a table, each once. */
export function variablesOf(table: SettingTable): string[] {
  return [...new Set(settingsIn(table).map(({ variable }) => variable))];
}

function document(): string {
  const parts = PROGRAMS.map(([title, file, table]) => {
    const rows = settingsIn(table).map(cells);
    return `## ${title}\n\nFrom \`${file}\`.\n\n${markdownTable(rows)}`;
  });
  return [INTRODUCTION, ...parts].join("\n");
}

function cells(setting: Setting): string[] {
  const { variable, flag, allowed = "", otherwise, means } = setting;
  const name = flag === undefined ? code(variable) : `${code(variable)}, ${code(flag)}`;
  const fallback = otherwise?.includes(" ") ? otherwise : code(defaultText(setting));
  return [name, fallback, allowed, means];
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** A table as `deno fmt` writes it. */
function markdownTable(rows: readonly string[][]): string {
  const head = ["variable", "default", "allowed", "what it is"];
  const widths = head.map((title, cell) =>
    Math.max(title.length, ...rows.map((row) => (row[cell] ?? "").length))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((text, cell) => text.padEnd(widths[cell] ?? 0)).join(" | ")} |\n`;
  return [head, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("");
}

function permissions(text: string): string {
  return Object.entries(PERMISSIONS).reduce((text, [set, table]) => {
    const names = variablesOf(table).map((name) => `        "${name}"`).join(",\n");
    const place = new RegExp(`("${set}": \\{[^}]*?"env": )\\[[^\\]]*\\]`);
    return replaced(text, place, (before) => `${before}[\n${names}\n      ]`);
  }, text);
}

/** Lists the variables that compose.yaml passes on as they are set where it is started. */
function passed(text: string): string {
  return Object.entries({ relay: RELAY_SETTINGS, api: API_SETTINGS }).reduce(
    (text, [name, table]) => {
      const place = new RegExp(
        `(^  ${name}:\\n(?: {4}.*\\n)*? {4}environment:\\n(?: {6}(?:.*: .+|#.*)\\n)*)(?: {6}\\w+:\\n)+`,
        "m",
      );
      return replaced(text, place, (before) => {
        const given = variablesOf(table).filter((variable) =>
          !NOT_PASSED.test(variable) && !before.includes(` ${variable}:`)
        );
        return before + given.map((variable) => `      ${variable}:\n`).join("");
      });
    },
    text,
  );
}

function replaced(text: string, place: RegExp, by: (before: string) => string): string {
  if (!place.test(text)) throw new Error(`There is no ${place}`);
  return text.replace(place, (_, before) => by(before));
}

function read(path: string): string {
  return Deno.readTextFileSync(`${ROOT}/${path}`);
}

if (import.meta.main) {
  for (const [path, text] of settingsFiles()) Deno.writeTextFileSync(`${ROOT}/${path}`, text);
}
