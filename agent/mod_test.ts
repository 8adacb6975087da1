import assert from "node:assert/strict";
import * as events from "node:events";
import * as net from "node:net";
import * as process from "node:process";
import * as stream from "node:stream";
import * as timers from "node:timers";
import * as tls from "node:tls";
import { fileURLToPath } from "node:url";

const SDK = new URL("./mod.ts", import.meta.url);

/** What can be reached from everywhere: by object, its prototype and its properties. */
type Reachable = Map<object, Map<PropertyKey, unknown>>;

const PROTOTYPE = Symbol("prototype");
/** Deno's own doors, which it fills by need; where LogTape keeps what all of its copies share. */
const NO_PATCH = [/^Symbol\(Deno\.internal\)$/, /^Symbol\(logtape\./];

/** Getters are noted, not called: what is made by need stays unmade. */
function reachable(roots: readonly object[]): Reachable {
  const found: Reachable = new Map();
  const waiting: unknown[] = [...roots];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if ((typeof value !== "object" && typeof value !== "function") || value === null) continue;
    if (found.has(value)) continue;
    const properties = new Map<PropertyKey, unknown>([[PROTOTYPE, Object.getPrototypeOf(value)]]);
    found.set(value, properties);
    for (const key of Reflect.ownKeys(value)) {
      const { value: held, get, set } = Object.getOwnPropertyDescriptor(value, key) ?? {};
      if (NO_PATCH.some((pattern) => pattern.test(String(key)))) continue;
      properties.set(key, get ?? set ?? held);
      waiting.push(set);
    }
    waiting.push(...properties.values());
  }
  return found;
}

/** What is another object or function now, or there in addition. */
function changes(before: Reachable, after: Reachable): string[] {
  const found: string[] = [];
  for (const [object, properties] of before) {
    const now = after.get(object);
    if (now === undefined) continue;
    for (const [key, value] of now) {
      const was = properties.get(key);
      const isCode = typeof value === "function" || typeof was === "function";
      if (!properties.has(key) || (isCode && was !== value)) found.push(String(key));
    }
  }
  return found;
}

const roots = [globalThis, events, net, process, stream, timers, tls];

Deno.test("importing the SDK patches nothing", async () => {
  const before = reachable(roots);
  await import(SDK.href);
  assert.deepEqual(changes(before, reachable(roots)), []);
  assert(before.size > 1_000, `looked at ${before.size} objects`);
});

Deno.test("a patch would be noticed", () => {
  const before = reachable(roots);
  const { prototype } = net.Socket;
  const own = Object.getOwnPropertyDescriptor(prototype, "removeAllListeners");
  prototype.removeAllListeners = () => prototype;
  try {
    assert.deepEqual(changes(before, reachable(roots)), ["removeAllListeners"]);
  } finally {
    if (own) Object.defineProperty(prototype, "removeAllListeners", own);
    else Reflect.deleteProperty(prototype, "removeAllListeners");
  }
});

Deno.test("the SDK loads no package of NATS, and of our own folders what travels alone", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(SDK)],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string }[];
  };
  const root = new URL("../", SDK).href;
  const specifiers = modules.map(({ specifier }) => specifier);
  assert.deepEqual(specifiers.filter((it) => it.startsWith("npm:") && it.includes("nats")), []);
  const folders = specifiers.filter((it) => it.startsWith(root))
    .map((it) => it.slice(root.length).split("/", 1)[0]);
  assert.deepEqual([...new Set(folders)].sort(), ["agent", "protocol"]);
});
