/**
 * Which folder imports which, as ARCHITECTURE.md says.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./support/mod.ts";

/** Files by their path from the root, and the paths and packages that each imports. */
type Imports = ReadonlyMap<string, readonly string[]>;

const COMMENT = /\/\*[\s\S]*?\*\//g;
const IMPORT = /^(?:import|export)\b[^;"']*?from\s+"([^"]+)"|\bimport\(?\s*"([^"]+)"/gm;
const TEST = /_test\.tsx?$|\/testing\/|^tests\//;
/** Where NATS' packages may be used: what knows NATS, the relay, and what tests and measures it. */
const OF_NATS = ["bus", "ops", "relay", "tests", "bench"];

function sources(folder = "."): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) => {
    if (name.startsWith(".") || name === "dist" || name === "node_modules") return [];
    const path = folder === "." ? name : `${folder}/${name}`;
    if (isDirectory) return sources(path);
    return folder !== "." && /\.tsx?$/.test(name) ? [path] : [];
  });
}

/** @returns A path from the root, or a package's name. */
function resolved(specifier: string, file: string): string {
  if (specifier.startsWith(".")) return new URL(specifier, `file:///${file}`).pathname.slice(1);
  return specifier.replace(/^@ourocodus\/(\w+)$/, "$1/mod.ts");
}

function readImports(): Imports {
  return new Map(
    sources().map((file) => {
      const text = Deno.readTextFileSync(join(ROOT, file)).replaceAll(COMMENT, "");
      const specifiers = [...text.matchAll(IMPORT)].map(([, from, called]) => from ?? called ?? "");
      return [file, specifiers.map((specifier) => resolved(specifier, file))];
    }),
  );
}

/** From the table "Folders": what each folder may import. */
function allowedImports(): Map<string, string[]> {
  const text = Deno.readTextFileSync(join(ROOT, "ARCHITECTURE.md"));
  const rows = text.matchAll(/^\| `(\w+)\/`\s*\|[^|]*\|([^|]*)\|$/gm);
  return new Map(
    [...rows].map(([, folder = "", names = ""]) => [
      folder,
      names.trim() === "all"
        ? [...MEMBERS]
        : [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
    ]),
  );
}

const MEMBERS: readonly string[] =
  (JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))).workspace as string[])
    .map((path) => path.replace("./", ""));
const folderOf = (path: string) => path.split("/", 1)[0] ?? "";
const imports = readImports();

Deno.test("each folder imports those that ARCHITECTURE.md names, and no other", () => {
  const allowed = allowedImports();
  assert.deepEqual([...allowed.keys()].sort(), [...MEMBERS].sort());
  const used = new Map(MEMBERS.map((member) => [member, new Set<string>()]));
  for (const [file, paths] of imports) {
    if (TEST.test(file) && folderOf(file) !== "tests") continue;
    for (const folder of paths.map(folderOf)) {
      if (folder !== folderOf(file) && MEMBERS.includes(folder)) {
        used.get(folderOf(file))?.add(folder);
      }
    }
  }
  for (const [folder, names] of used) {
    const more = [...names].filter((name) => !allowed.get(folder)?.includes(name));
    assert.deepEqual(more, [], `${folder}/ imports what it must not`);
    if (folder === "tests") continue;
    const unused = allowed.get(folder)?.filter((name) => !names.has(name));
    assert.deepEqual(unused, [], `ARCHITECTURE.md says that ${folder}/ imports what it does not`);
  }
});

Deno.test("each folder lists by name what it exports", () => {
  for (const member of MEMBERS) {
    const path = join(ROOT, member, "mod.ts");
    const text = existsSync(path) ? Deno.readTextFileSync(path) : "";
    assert.doesNotMatch(text, /^export \*/m, `${member}/mod.ts`);
  }
});

Deno.test("NATS' packages are imported where NATS is known, and nowhere else", () => {
  const elsewhere = [...imports].filter(([file, paths]) =>
    !OF_NATS.includes(folderOf(file)) && !TEST.test(file) &&
    paths.some((path) => path.startsWith("@nats-io/"))
  );
  assert.deepEqual(elsewhere.map(([file]) => file), []);
});

Deno.test("no file imports itself by way of others, not even for a type", () => {
  assert.deepEqual(circles(imports), []);
});

Deno.test("a circle would be found", () => {
  const files = { "a.ts": ["b.ts"], "b.ts": ["c.ts", "d.ts"], "c.ts": ["a.ts"], "d.ts": [] };
  assert.deepEqual(circles(new Map(Object.entries(files))), [["a.ts", "b.ts", "c.ts"]]);
});

/** Sets of files that reach each other, by Tarjan's algorithm. */
function circles(graph: Imports): string[][] {
  const found: string[][] = [];
  const number = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string): number => {
    let low = number.size;
    number.set(file, low);
    open.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue;
      if (!number.has(next)) low = Math.min(low, visit(next));
      else if (open.includes(next)) low = Math.min(low, number.get(next) ?? low);
    }
    if (low === number.get(file)) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1) found.push(circle.sort());
    }
    return low;
  };
  for (const file of graph.keys()) if (!number.has(file)) visit(file);
  return found;
}
