/**
 * Tokens tried against everything that asks for one: every route of /openapi.json, every way to
 * connect as an agent, and the leases of others.
 */
import assert from "node:assert/strict";
import { createToken, type Grant, type Scope, SCOPES } from "@ourocodus/http";
import { operationsOf, type PlacedOperation } from "../api/testing/api_document.ts";
import { startTestApi, type TestApi } from "../api/testing/test_api.ts";
import { readEvents } from "./support/event_stream.ts";
import {
  runCli,
  SocketAgent,
  startEchoAgent,
  startNats,
  startRelay,
  until,
} from "./support/mod.ts";

const SECRET = "a-secret-of-these-tests";
const ENV = { OUROCODUS_TOKEN: SECRET };
const HOUR_MS = 3_600_000;

/** What may be asked without a token: nothing of what agents and clients do is in it. */
const OPEN = ["GET /health", "GET /openapi.json", "GET /problems"];

function make(grant: Grant, options: { secret?: string; ttlMs?: number; now?: number } = {}) {
  const { secret = SECRET, ttlMs = HOUR_MS, now } = options;
  return createToken({ secret }, grant, { ttlMs, now });
}

/** Tokens that are worth nothing, by what they are. */
async function worthless(): Promise<Record<string, string>> {
  const all: Grant = { can: ["admin"] };
  const good = await make(all);
  const [head, , signature] = good.split(".");
  const claims = btoa(JSON.stringify({ scope: "admin", aud: "ourocodus", exp: 9e9 }));
  const none = btoa(JSON.stringify({ alg: "none" })).replace(/=+$/, "");
  return {
    "a guess": "secret",
    "the secret without its end": SECRET.slice(0, -1),
    "signed with another secret": await make(all, { secret: "another-secret" }),
    "expired": await make(all, { now: Date.now() - 2 * HOUR_MS }),
    "other claims under its signature": `${head}.${claims.replace(/=+$/, "")}.${signature}`,
    "alg none": `${none}.${claims.replace(/=+$/, "")}.`,
    "huge": `${good}${"A".repeat(5_000)}`,
  };
}

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

/** Operations that need a token, save the stream without end. */
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
  await using api = await startTestApi({ env: ENV });
  const operations = operationsOf(api.contract.document);
  assert.ok(operations.length > 15);
  const bad = await worthless();
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
  await using api = await startTestApi({ env: ENV });
  for (const scope of SCOPES) {
    const token = await make({ can: [scope] });
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
  await using api = await startTestApi({ env: ENV });
  await using relay = await startRelay({ natsUrl: api.natsUrl, env: ENV });
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
  const session = await make({ can: ["admin"], session: "docs" });
  const role = await make({ can: ["admin"], session: "docs", role: "writer" });
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
  assert.equal(stop.status, 404, "whoever is of another session is not there");
  const work = await api.fetch("/api/work/task-1", {
    headers: { authorization: `Bearer ${role}` },
  });
  assert.deepEqual([work.body.session_id, work.body.role], ["docs", "writer"]);
  assert.deepEqual(work.body.same_id, []);
});

Deno.test("the event stream shows a token its own session alone, and ends when the token does", async () => {
  await using api = await startTestApi({ env: ENV });
  await using relay = await startRelay({ natsUrl: api.natsUrl, env: ENV });
  const connect = (session: string) =>
    SocketAgent.connect({
      relayUrl: relay.url,
      session,
      role: "r",
      agentId: session,
      token: SECRET,
    });
  const token = await make({ can: ["read"], session: "docs" }, { ttlMs: 3_000 });
  const url = `${api.url}/api/events?since=10m&include=work,results&access_token=${token}`;
  const ofOneRole = await make({ can: ["read"], session: "docs", role: "r" });
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

/** How a relay answers somebody who wants to be an agent; 101 if it lets it in. */
async function knock(
  url: string,
  place: { readonly session: string; readonly role: string },
  headers: Record<string, string>,
  query = "",
): Promise<number> {
  const socket = new WebSocket(
    `${url}/agent?session_id=${place.session}&role=${place.role}${query}`,
    { headers },
  );
  const failed = Promise.withResolvers<number>();
  socket.addEventListener("error", (event) => {
    event.preventDefault();
    failed.resolve(Number(/status code: (\d+)/.exec((event as ErrorEvent).message)?.[1]));
  });
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  const opened = new Promise<number>((resolve) =>
    socket.addEventListener("open", () => resolve(101))
  );
  const status = await Promise.race([opened, failed.promise]);
  socket.close();
  await closed;
  return status;
}

Deno.test("a relay lets in whose token is for this session and role, and refuses all others before the upgrade", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: ENV });
  const place = { session: "docs", role: "writer" };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const good = {
    "the secret": SECRET,
    "an agent's token": await make({ can: ["agent"], ...place }),
    "an agent's token for all roles": await make({ can: ["agent"], session: "docs" }),
    "an operator's token": await make({ can: ["admin"] }),
  };
  for (const [what, token] of Object.entries(good)) {
    assert.equal(await knock(relay.url, place, bearer(token)), 101, what);
    assert.equal(await knock(relay.url, place, {}, `&access_token=${token}`), 101, what);
  }
  assert.equal(await knock(relay.url, place, {}), 401);
  const good401 = good["an agent's token"];
  assert.equal(await knock(relay.url, place, bearer(SECRET), `&access_token=${good401}`), 401);
  assert.equal(await knock(relay.url, place, { authorization: `Basic ${btoa(SECRET)}` }), 401);
  for (const [what, token] of Object.entries(await worthless())) {
    assert.equal(await knock(relay.url, place, bearer(token)), 401, what);
    assert.equal(await knock(relay.url, place, {}, `&access_token=${token}`), 401, what);
  }
  const lacking = {
    "of another session": await make({ can: ["agent"], session: "papers", role: "writer" }),
    "of another role": await make({ can: ["agent"], session: "docs", role: "reviewer" }),
    "of a client": await make({ can: ["send", "read"] }),
    "of another session's operator": await make({ can: ["admin"], session: "papers" }),
  };
  for (const [what, token] of Object.entries(lacking)) {
    assert.equal(await knock(relay.url, place, bearer(token)), 403, what);
  }
  // A plain request is told why.
  const response = await fetch(`${relay.httpUrl}/agent?session_id=docs&role=writer`, {
    headers: bearer(lacking["of another role"]),
  });
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const { status, title, detail } = await response.json();
  assert.deepEqual([status, title], [403, "The token does not allow this"]);
  assert.equal(detail, "the token is for role reviewer, this is for role writer");

  assert.equal((await metrics(relay.httpUrl)).status, 401);
  assert.equal((await metrics(relay.httpUrl, await make({ can: ["read"] }))).status, 200);
  assert.equal((await metrics(relay.httpUrl, lacking["of a client"])).status, 200);
  const ofOneSession = await make({ can: ["read"], session: "docs" });
  assert.equal((await metrics(relay.httpUrl, ofOneSession)).status, 403);
  const health = await fetch(`${relay.httpUrl}/health`);
  await health.body?.cancel();
  assert.equal(health.status, 200);
  const { stdout, stderr } = relay.process;
  for (const token of [SECRET, ...Object.values(good), ...Object.values(await worthless())]) {
    assert.ok(!stdout.includes(token) && !stderr.includes(token), "no token is logged");
  }
});

async function metrics(url: string, token?: string): Promise<{ readonly status: number }> {
  const headers: Record<string, string> = token === undefined
    ? {}
    : { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/metrics`, { headers });
  await response.body?.cancel();
  return response;
}

Deno.test("an agent's token reaches no work of another session or role, its leases included", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: ENV });
  const connect = async (session: string, role: string) =>
    await SocketAgent.connect({
      ...{ relayUrl: relay.url, session, role, agentId: `${session}-${role}`, v1: true },
      token: await make({ can: ["agent"], session, role }),
    });
  await using papers = await connect("papers", "writer");
  await using reviewer = await connect("docs", "reviewer");
  await using writer = await connect("docs", "writer");
  const send = async (session: string, role: string) => {
    const place = ["--session", session, "--role", role];
    const sent = await runCli(["send", "work", ...place, "--message", "x"], { natsUrl: nats.url });
    assert.equal(sent.code, 0, sent.stderr);
  };
  for (const victim of [papers, reviewer]) {
    const [session, role] = victim === papers ? ["papers", "writer"] : ["docs", "reviewer"];
    await send(session ?? "", role ?? "");
    const work = await victim.gets(1);
    for (const type of ["result", "error", "retry", "progress"]) {
      const before = writer.told.length;
      writer.answer(work, { message: "stolen" }, type);
      await until(() => writer.told.length > before, { message: `${type} to be answered` });
      assert.deepEqual(
        writer.told.slice(before).map(({ type, payload }) => [type, payload.code]),
        [["relay.error", "foreign_lease"]],
        type,
      );
    }
    const before = writer.told.length;
    const leases = [work.lease];
    writer.send(JSON.stringify({ id: "r-1", type: "resume", payload: { leases } }));
    await until(() => writer.told.length > before, { message: "resume to be answered" });
    assert.deepEqual(
      writer.told.slice(before).map(({ type, payload }) => [type, payload.code]),
      [["relay.error", "foreign_lease"]],
    );
    assert.deepEqual([writer.works.length, victim.told.length], [0, 1], "it stays where it is");
    victim.answer(work, { message: "mine" });
    const tail = ["tail", "results", "--session", session ?? "", "--no-follow"];
    await until(async () => {
      const { stdout } = await runCli(tail, { natsUrl: nats.url });
      assert.doesNotMatch(stdout, /stolen/);
      return stdout.includes("mine");
    }, { timeoutMs: 30_000 });
  }
});

Deno.test("an agent whose token expires is closed with 4003, and may come back with another", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: ENV });
  const grant: Grant = { can: ["agent"], session: "docs", role: "writer" };
  const place = { relayUrl: relay.url, session: "docs", role: "writer" };
  const token = await make(grant, { ttlMs: 2_000 });
  await using agent = await SocketAgent.connect({ ...place, token });
  const { code, reason } = await agent.closed;
  assert.equal(code, 4003);
  assert.match(reason, /token has expired/);
  assert.equal(await knock(relay.url, place, { authorization: `Bearer ${token}` }), 401);
  await using _again = await SocketAgent.connect({ ...place, token: await make(grant) });
});

Deno.test("our agent sends its token as a header, and says why where it is refused", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: ENV });
  const place = { relayUrl: relay.url, session: "docs", role: "echo" };
  const token = await make({ can: ["agent"], session: "docs", role: "echo" });
  await using agent = startEchoAgent({ ...place, env: { OUROCODUS_TOKEN: token } });
  const send = ["send", "work", "--session", "docs", "--role", "echo", "--message", "hi", "--wait"];
  const sent = await runCli(send, { natsUrl: nats.url });
  assert.equal(sent.code, 0, sent.stderr + agent.stderr);
  assert.ok(!agent.stderr.includes(token) && !agent.stdout.includes(token), "it is not logged");

  // One in the URL gives way to it.
  const url = `${relay.url}?access_token=worthless`;
  await using both = startEchoAgent({
    ...{ ...place, relayUrl: url, role: "other" },
    env: { OUROCODUS_TOKEN: await make({ can: ["agent"] }) },
  });
  const toOther = send.map((word) => word === "echo" ? "other" : word);
  assert.equal((await runCli(toOther, { natsUrl: nats.url })).code, 0, both.stderr);
  assert.ok(!both.stderr.includes("worthless"), "it is not logged");

  await using none = startEchoAgent(place);
  assert.equal((await none.status).code, 1);
  assert.match(none.stderr, /this needs a token/);
  await using other = startEchoAgent({
    ...place,
    env: { OUROCODUS_TOKEN: await make({ can: ["agent"], session: "papers" }) },
  });
  assert.equal((await other.status).code, 1);
  assert.match(other.stderr, /the token is for session papers, this is for session docs/);
});
