/**
 * `deno task audit`: asks the registry whether a package in deno.lock has a known vulnerability.
 *
 * @module
 */
import { runToEnd } from "./run_to_end.ts";

/** What it came to. */
export type Audit =
  | { readonly kind: "ok" }
  | { readonly kind: "found" }
  /** Nothing is known: the registry did not answer, or answered something else. */
  | { readonly kind: "unknown"; readonly reason: string };

const UNKNOWN = /^(?:warning: )?Failed to get data from the registry: (.*)$/m;

/**
 * Audits the dependencies of the project in the current folder.
 *
 * @param options `say`: told what Deno says; `env`: variables to add to its environment.
 */
export async function audit(
  options: {
    readonly say: (text: string) => void;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Audit> {
  const { code, stdout, stderr } = await runToEnd(
    Deno.execPath(),
    ["audit", "--ignore-registry-errors"],
    { env: { NO_COLOR: "1", ...options.env } },
  );
  options.say(`${stdout}${stderr}`);
  const reason = UNKNOWN.exec(stderr)?.[1];
  if (reason !== undefined) return { kind: "unknown", reason };
  return code === 0 ? { kind: "ok" } : { kind: "found" };
}

if (import.meta.main) {
  const result = await audit({ say: (text) => console.log(text.trim()) });
  if (result.kind === "unknown") {
    console.error(`\nNOT AUDITED: nothing is known of vulnerabilities. ${result.reason}`);
  }
  Deno.exit(result.kind === "found" ? 1 : 0);
}
