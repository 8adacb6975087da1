import assert from "node:assert/strict";
import { audit } from "./audit.ts";

/** Audits with a registry that answers this. */
async function against(
  answer: () => Response,
): Promise<{ readonly kind: string; readonly said: string }> {
  let asked = 0;
  await using registry = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    return answer();
  });
  let said = "";
  const { kind } = await audit({
    say: (text) => said += text,
    env: { NPM_CONFIG_REGISTRY: `http://127.0.0.1:${registry.addr.port}` },
  });
  assert.ok(asked > 0, "the registry was asked");
  return { kind, said };
}

Deno.test("an audit without findings is ok", async () => {
  assert.equal((await against(() => Response.json({}))).kind, "ok");
});

Deno.test("an audit fails for a package with a known vulnerability, and names it", async () => {
  const advisory = {
    id: 1,
    url: "https://advisories.example/1",
    title: "a bad thing",
    severity: "high",
    vulnerable_versions: "<999.0.0",
    cwe: ["CWE-1"],
    cvss: { score: 7, vectorString: "" },
  };
  const { kind, said } = await against(() => Response.json({ hono: [advisory] }));
  assert.equal(kind, "found");
  assert.match(said, /a bad thing/);
  assert.match(said, /hono/);
});

Deno.test("an audit whose registry cannot tell does not pass for one without findings", async () => {
  assert.equal((await against(() => new Response("no", { status: 405 }))).kind, "unknown");
  const nowhere = { NPM_CONFIG_REGISTRY: "http://127.0.0.1:1" };
  const result = await audit({ say: () => {}, env: nowhere });
  assert.equal(result.kind, "unknown");
});
