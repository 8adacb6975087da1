/**
 * Tokens tried with every way to connect as an agent, and with the leases of others.
 */
import assert from "node:assert/strict";
import type { Grant } from "@ourocodus/edge";
import {
  runCli,
  SocketAgent,
  startEchoAgent,
  startNats,
  startRelay,
  until,
} from "./support/mod.ts";
import { makeToken, SECRET, TOKEN_ENV, worthlessTokens } from "./support/tokens.ts";

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
  await using relay = await startRelay({ natsUrl: nats.url, env: TOKEN_ENV });
  const place = { session: "docs", role: "writer" };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const good = {
    "the secret": SECRET,
    "an agent's token": await makeToken({ can: ["agent"], ...place }),
    "an agent's token for all roles": await makeToken({ can: ["agent"], session: "docs" }),
    "an operator's token": await makeToken({ can: ["admin"] }),
  };
  for (const [what, token] of Object.entries(good)) {
    assert.equal(await knock(relay.url, place, bearer(token)), 101, what);
    assert.equal(await knock(relay.url, place, {}, `&access_token=${token}`), 101, what);
  }
  assert.equal(await knock(relay.url, place, {}), 401);
  const good401 = good["an agent's token"];
  assert.equal(await knock(relay.url, place, bearer(SECRET), `&access_token=${good401}`), 401);
  assert.equal(await knock(relay.url, place, { authorization: `Basic ${btoa(SECRET)}` }), 401);
  for (const [what, token] of Object.entries(await worthlessTokens())) {
    assert.equal(await knock(relay.url, place, bearer(token)), 401, what);
    assert.equal(await knock(relay.url, place, {}, `&access_token=${token}`), 401, what);
  }
  const lacking = {
    "of another session": await makeToken({ can: ["agent"], session: "papers", role: "writer" }),
    "of another role": await makeToken({ can: ["agent"], session: "docs", role: "reviewer" }),
    "of a client": await makeToken({ can: ["send", "read"] }),
    "of another session's operator": await makeToken({ can: ["admin"], session: "papers" }),
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
  assert.equal((await metrics(relay.httpUrl, await makeToken({ can: ["read"] }))).status, 200);
  assert.equal((await metrics(relay.httpUrl, lacking["of a client"])).status, 200);
  const ofOneSession = await makeToken({ can: ["read"], session: "docs" });
  assert.equal((await metrics(relay.httpUrl, ofOneSession)).status, 403);
  const health = await fetch(`${relay.httpUrl}/health`);
  await health.body?.cancel();
  assert.equal(health.status, 200);
  const { stdout, stderr } = relay.process;
  for (const token of [SECRET, ...Object.values(good), ...Object.values(await worthlessTokens())]) {
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
  await using relay = await startRelay({ natsUrl: nats.url, env: TOKEN_ENV });
  const connect = async (session: string, role: string) =>
    await SocketAgent.connect({
      ...{ relayUrl: relay.url, session, role, agentId: `${session}-${role}`, v1: true },
      token: await makeToken({ can: ["agent"], session, role }),
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
  await using relay = await startRelay({ natsUrl: nats.url, env: TOKEN_ENV });
  const grant: Grant = { can: ["agent"], session: "docs", role: "writer" };
  const place = { relayUrl: relay.url, session: "docs", role: "writer" };
  const token = await makeToken(grant, { ttlMs: 2_000 });
  await using agent = await SocketAgent.connect({ ...place, token });
  const { code, reason } = await agent.closed;
  assert.equal(code, 4003);
  assert.match(reason, /token has expired/);
  assert.equal(await knock(relay.url, place, { authorization: `Bearer ${token}` }), 401);
  await using _again = await SocketAgent.connect({ ...place, token: await makeToken(grant) });
});

Deno.test("our agent sends its token as a header, and says why where it is refused", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: TOKEN_ENV });
  const place = { relayUrl: relay.url, session: "docs", role: "echo" };
  const token = await makeToken({ can: ["agent"], session: "docs", role: "echo" });
  await using agent = startEchoAgent({ ...place, env: { OUROCODUS_TOKEN: token } });
  const send = ["send", "work", "--session", "docs", "--role", "echo", "--message", "hi", "--wait"];
  const sent = await runCli(send, { natsUrl: nats.url });
  assert.equal(sent.code, 0, sent.stderr + agent.stderr);
  assert.ok(!agent.stderr.includes(token) && !agent.stdout.includes(token), "it is not logged");

  // One in the URL gives way to it.
  const url = `${relay.url}?access_token=worthless`;
  await using both = startEchoAgent({
    ...{ ...place, relayUrl: url, role: "other" },
    env: { OUROCODUS_TOKEN: await makeToken({ can: ["agent"] }) },
  });
  const toOther = send.map((word) => word === "echo" ? "other" : word);
  assert.equal((await runCli(toOther, { natsUrl: nats.url })).code, 0, both.stderr);
  assert.ok(!both.stderr.includes("worthless"), "it is not logged");

  await using none = startEchoAgent(place);
  assert.equal((await none.status).code, 1);
  assert.match(none.stderr, /this needs a token/);
  await using other = startEchoAgent({
    ...place,
    env: { OUROCODUS_TOKEN: await makeToken({ can: ["agent"], session: "papers" }) },
  });
  assert.equal((await other.status).code, 1);
  assert.match(other.stderr, /the token is for session papers, this is for session docs/);
});
