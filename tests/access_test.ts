/**
 * Tokens tried against every route of /openapi.json.
 */
import assert from "node:assert/strict";
import { type Scope, SCOPES } from "@ourocodus/edge";
import { operationsOf, type PlacedOperation } from "../api/testing/api_document.ts";
import { startTestApi, type TestApi } from "../api/testing/test_api.ts";
import { readEvents } from "./support/event_stream.ts";
import { SocketAgent, startRelay } from "./support/mod.ts";
import { makeToken, SECRET, TOKEN_ENV, worthlessTokens } from "./support/tokens.ts";

/** What may be asked without a token: nothing of what agents and clients do is in it. */
const OPEN = ["GET /health", "GET /openapi.json", "GET /problems"];

/** A request for an operation, about this session. */
function request({ method, path, operation }: PlacedOperation, session = "docs") {
  const names: Record<string, string> = { session, role: "writer", id: "task-1", sequence: "1" };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => names[name] ?? "x");
  const body = operation.requestBody && JSON.stringify({ message: "hello" });
  return { path: filled, init: { method, body } };
}

async function ask(
  api: TestApi,
  operation: PlacedOperation,
  token: string | undefined,
  { session, query = "" }: { readonly session?: string; readonly query?: string } = {},
) {
  const { path, init } = request(operation, session);
  const headers = {
    ...(init.body && { "content-type": "application/json" }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return await api.fetch(`${path}${query}`, { ...init, headers });
}

/** Operations that need a token, except the stream without end. */
function secured(api: TestApi): PlacedOperation[] {
  return operationsOf(api.contract.document).filter((operation) =>
    !OPEN.includes(`${operation.method} ${operation.path}`)
  );
}

function scopeOf({ operation }: PlacedOperation): Scope {
  const [scope] = operation.security?.flatMap((one) => Object.values(one).flat()) ?? [];
  assert.ok(SCOPES.includes(scope as Scope), `${scope} is no scope`);
  return scope as Scope;
}

Deno.test("every route but those that tell nothing needs a token, and takes none that is worthless", async () => {
  await using api = await startTestApi({ env: TOKEN_ENV });
  const operations = operationsOf(api.contract.document);
  assert.ok(operations.length > 15);
  const bad = await worthlessTokens();
  for (const operation of operations) {
    const name = `${operation.method} ${operation.path}`;
    if (OPEN.includes(name)) {
      assert.equal((await ask(api, operation, undefined)).status, 200, name);
      continue;
    }
    const none = await ask(api, operation, undefined);
    assert.equal(none.status, 401, name);
    assert.equal(none.headers.get("www-authenticate"), 'Bearer realm="ourocodus"', name);
    for (const [what, token] of Object.entries(bad)) {
      const answer = await ask(api, operation, token);
      assert.equal(answer.status, 401, `${name}, ${what}`);
      assert.match(answer.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
      assert.ok(!answer.text.includes(token), `${name} shows the token`);
      const { path } = request(operation);
      const inQuery = await api.fetch(`${path}?access_token=${token}`, {
        method: operation.method,
      });
      assert.equal(inQuery.status, 401, `${name}, ${what}, in the query`);
    }
  }
});

Deno.test("a token that cannot do a thing is refused on every route that does it", async () => {
  await using api = await startTestApi({ env: TOKEN_ENV });
  for (const scope of SCOPES) {
    const token = await makeToken({ can: [scope] });
    for (const operation of secured(api)) {
      const needed = scopeOf(operation);
      if (scope === needed || scope === "admin") continue;
      const answer = await ask(api, operation, token);
      const name = `${operation.method} ${operation.path} with ${scope}`;
      assert.equal(answer.status, 403, name);
      assert.equal(answer.body.detail, `the token can ${scope}, this needs ${needed}`, name);
      assert.match(answer.headers.get("www-authenticate") ?? "", /error="insufficient_scope"/);
    }
  }
});

Deno.test("a token for one session, or one role, reaches nothing of another on any route", async () => {
  await using api = await startTestApi({ env: TOKEN_ENV });
  await using relay = await startRelay({ natsUrl: api.natsUrl, env: TOKEN_ENV });
  const connect = (session: string, role: string) =>
    SocketAgent.connect({
      ...{ relayUrl: relay.url, session, role, agentId: `${session}-${role}`, token: SECRET },
      onWork: (work, agent) => agent.answer(work, { said: `of ${session} ${role}` }),
    });
  await using _docs = await connect("docs", "writer");
  await using _reviewer = await connect("docs", "reviewer");
  await using _papers = await connect("papers", "writer");
  for (const place of ["docs/work/writer", "docs/work/reviewer", "papers/work/writer"]) {
    const sent = await api.fetch(`/api/sessions/${place}`, {
      method: "POST",
      body: JSON.stringify({ id: "task-1", payload: { message: `for ${place}` } }),
      headers: {
        "authorization": `Bearer ${SECRET}`,
        "content-type": "application/json",
        "prefer": "wait=30",
      },
    });
    assert.equal(sent.status, 200, sent.text);
  }
  const session = await makeToken({ can: ["admin"], session: "docs" });
  const role = await makeToken({ can: ["admin"], session: "docs", role: "writer" });
  let refused = 0;
  let answered = 0;
  for (const operation of secured(api)) {
    const name = `${operation.method} ${operation.path}`;
    const inPath = (what: string) => operation.path.includes(`{${what}}`);
    const inQuery = (what: string) =>
      operation.operation.parameters?.some((parameter) =>
        parameter.in === "query" && parameter.name === what
      );
    if (inPath("session")) {
      const foreign = await ask(api, operation, session, { session: "papers" });
      assert.equal(foreign.status, 403, name);
      assert.equal(
        foreign.body.detail,
        "the token is for session docs, this is for session papers",
      );
      refused++;
    }
    for (const value of inQuery("session") ? ["papers", "docs,papers"] : []) {
      const foreign = await ask(api, operation, session, { query: `?session=${value}` });
      assert.equal(foreign.status, 403, `${name}?session=${value}`);
      refused++;
    }
    if (inQuery("role") && !inPath("role")) {
      const foreign = await ask(api, operation, role, { query: "?role=reviewer" });
      assert.equal(foreign.status, 403, `${name}?role=reviewer`);
      refused++;
    }
    // What stops or takes away is not tried on one's own; the stream has no end.
    if (operation.method === "DELETE" || operation.path === "/api/events") continue;
    for (const [token, others] of [[session, /papers/], [role, /papers|reviewer/]] as const) {
      const own = await ask(api, operation, token);
      assert.ok(own.status < 500, `${name}: ${own.text}`);
      // In its own words the refusal names only what was asked for.
      assert.doesNotMatch(own.text, others, name);
      if (own.status < 300) answered++;
      else refused++;
    }
  }
  assert.ok(refused > 20 && answered > 10, `${refused} refused, ${answered} answered`);

  const stop = await api.fetch("/api/agents/papers-writer", {
    method: "DELETE",
    headers: { authorization: `Bearer ${session}` },
  });
  assert.equal(stop.status, 404, "an agent of another session is not there");
  const work = await api.fetch("/api/work/task-1", {
    headers: { authorization: `Bearer ${role}` },
  });
  assert.deepEqual([work.body.session_id, work.body.role], ["docs", "writer"]);
  // It was sent again on the way.
  const same: Record<string, string>[] = work.body.same_id;
  assert.deepEqual(same.map(({ session_id, role }) => `${session_id} ${role}`), ["docs writer"]);
});

/** Asserts that paths of session `docs` refuse each token without the right to send there. */
async function refusesOthers(
  paths: readonly string[],
  ask: (path: string, token: string) => Promise<{ readonly status: number }>,
): Promise<void> {
  const tokens = {
    "only looks": await makeToken({ can: ["read"] }),
    "is an agent's": await makeToken({ can: ["agent", "read"], session: "docs", role: "writer" }),
    "sends in another session": await makeToken({ can: ["send"], session: "papers" }),
    "operates another session": await makeToken({ can: ["admin"], session: "papers" }),
    "has expired": await makeToken({ can: ["send"] }, { now: Date.now() - 7_200_000 }),
  };
  for (const [what, token] of Object.entries(tokens)) {
    for (const path of paths) {
      const { status } = await ask(path, token);
      assert.equal(status, what === "has expired" ? 401 : 403, `${path} with one that ${what}`);
    }
  }
}

Deno.test("cancelling takes the right to send there, and nothing less", async () => {
  await using api = await startTestApi({ env: TOKEN_ENV });
  const send = async (place: string) => {
    const sent = await api.post(`/api/sessions/${place}`, { id: "task-1", message: "hello" }, {
      authorization: `Bearer ${SECRET}`,
    });
    assert.equal(sent.status, 202, sent.text);
    return sent.body.sequence as number;
  };
  const docs = await send("docs/work/writer");
  const papers = await send("papers/work/writer");
  const cancel = async (path: string, token: string) =>
    await api.fetch(path, { method: "DELETE", headers: { authorization: `Bearer ${token}` } });
  const paths = ["/api/work/task-1?session=docs", `/api/sessions/docs/work/${docs}`];
  await refusesOthers(paths, cancel);
  const reviewer = await makeToken({ can: ["send"], session: "docs", role: "reviewer" });
  for (const path of [`${paths[0]}&role=writer`, `${paths[1]}?role=writer`]) {
    assert.equal((await cancel(path, reviewer)).status, 403, path);
  }
  // Without a role in the request the token's own is meant, where there is no such work.
  for (const path of paths) assert.equal((await cancel(path, reviewer)).status, 404, path);
  // A sequence is of all sessions: naming another's under one's own finds nothing.
  const sender = await makeToken({ can: ["send"], session: "docs" });
  assert.equal((await cancel(`/api/sessions/docs/work/${papers}`, sender)).status, 404);
  assert.equal((await cancel("/api/agents/writer-1", sender)).status, 403, "stopping takes admin");
  const done = await cancel("/api/work/task-1", sender);
  assert.deepEqual([done.status, done.body.work_sequence], [200, docs], "its own, of two");
  const left = await api.fetch("/api/work/task-1?session=papers", {
    headers: { authorization: `Bearer ${SECRET}` },
  });
  assert.equal(left.body.state, "waiting", "nobody has cancelled it");
});

Deno.test("retrying takes the right to send there, and reaches nothing of another session or role", async () => {
  await using api = await startTestApi({ env: TOKEN_ENV });
  const secret = { authorization: `Bearer ${SECRET}` };
  const works: Record<string, number> = {};
  for (const place of ["docs/work/writer", "docs/work/reviewer", "papers/work/writer"]) {
    const [session = "", , role = ""] = place.split("/");
    const body = { id: "task-1", payload: { message: `for ${place}` } };
    const sent = await api.post(`/api/sessions/${place}`, body, secret);
    works[place] = sent.body.sequence;
    const path = `/api/work/task-1?session=${session}&role=${role}`;
    assert.equal((await api.fetch(path, { method: "DELETE", headers: secret })).status, 200);
  }
  const retry = (path: string, token: string) =>
    api.post(path, undefined, { authorization: `Bearer ${token}` });
  const all = "/api/work/retry?state=failed,dead,cancelled&since=1h";
  const paths = [
    "/api/work/task-1/retry?session=docs",
    `/api/sessions/docs/work/${works["docs/work/writer"]}/retry`,
    `${all}&session=docs`,
  ];
  await refusesOthers(paths, retry);
  const papers = `/api/sessions/docs/work/${works["papers/work/writer"]}/retry`;
  const sender = await makeToken({ can: ["send"], session: "docs" });
  assert.equal((await retry(papers, sender)).status, 404, "a sequence of another session");
  const writer = await makeToken({ can: ["send"], session: "docs", role: "writer" });
  assert.equal((await retry(`${all}&role=reviewer`, writer)).status, 403);
  // What a request leaves open is the token's own.
  const dry = await retry(`${all}&dry_run=true`, sender);
  assert.deepEqual(
    dry.body.retried.map(({ session_id, role }: Record<string, string>) => `${session_id} ${role}`),
    ["docs writer", "docs reviewer"],
  );
  assert.ok(!dry.text.includes("for docs"), "it tells no payloads");
  const own = await retry(all, writer);
  assert.deepEqual(own.body.retried.map(({ role }: { role: string }) => role), ["writer"]);
  const waiting = await api.fetch("/api/sessions/papers/work", { headers: secret });
  assert.deepEqual(waiting.body.work, [], "nothing of another session was sent");
  const reviewer = await api.fetch("/api/sessions/docs/work?role=reviewer", { headers: secret });
  assert.deepEqual(reviewer.body.work, []);
});

Deno.test("the event stream shows a token its own session alone, and ends when the token does", async () => {
  await using api = await startTestApi({ env: TOKEN_ENV });
  await using relay = await startRelay({ natsUrl: api.natsUrl, env: TOKEN_ENV });
  const connect = (session: string) =>
    SocketAgent.connect({
      relayUrl: relay.url,
      session,
      role: "r",
      agentId: session,
      token: SECRET,
    });
  const token = await makeToken({ can: ["read"], session: "docs" }, { ttlMs: 3_000 });
  const url = `${api.url}/api/events?since=10m&include=work,results&access_token=${token}`;
  const ofOneRole = await makeToken({ can: ["read"], session: "docs", role: "r" });
  const refused = await fetch(`${api.url}/api/events?access_token=${ofOneRole}`);
  assert.equal(refused.status, 403, "events are of all roles");
  await refused.body?.cancel();
  await using _papers = await connect("papers");
  await using _docs = await connect("docs");
  const events = await readEvents(url, { until: ({ name }) => name === "expired" });
  assert.deepEqual(events.at(-1)?.data, { reason: "the token has expired" });
  const sessions = events.flatMap(({ data }) => data.session_id ?? []);
  assert.deepEqual([...new Set(sessions)], ["docs"]);
});
