import assert from "node:assert/strict";
import fc from "fast-check";
import type { RoleQueue } from "@ourocodus/bus";
import { RoleId } from "@ourocodus/protocol";
import { AgentConnection } from "./agent_connection.ts";
import { Role } from "./role.ts";
import { newWork, type Work } from "./work.ts";

/** A role whose queue keeps what it was asked for. */
function fakeRole(): { role: Role; wants: number[] } {
  const wants: number[] = [];
  const queue = { want: (count: number) => wants.push(count), close: () => Promise.resolve() };
  return { role: new Role(new RoleId("s", "r"), queue as unknown as RoleQueue), wants };
}

function agentOf(role: Role, concurrency: number, v1 = false): AgentConnection {
  const protocol = v1 ? "ourocodus.v1" : "plain";
  const request = { session: "s", role: "r", agentId: undefined, concurrency, confirm: false };
  const socket = { send: () => {}, close: () => {}, unreadBytes: 0 };
  const agent = new AgentConnection({ ...request, protocol }, socket, 0);
  role.join(agent);
  return agent;
}

let made = 0;
function workOf(id: string): Work {
  const subject = `lease-${++made}`;
  const lease = {
    subject,
    roleKey: "s=r",
    attempt: 1,
    sequence: made,
    work: `${made}.1`,
    storedAtMs: 0,
  };
  return newWork({ id, session: "s", role: "r", state: "waiting" }, lease);
}

const text = '{"id":"1","type":"work","payload":{}}';

Deno.test("a role asks for its agents' free slots, less what waits already", () => {
  const { role, wants } = fakeRole();
  agentOf(role, 2);
  const other = agentOf(role, 3);
  role.pull(true);
  for (const id of ["same", "same", "same"]) role.offer(workOf(id), text);
  role.pull(true);
  role.leave(other);
  role.pull(true);
  role.pull(false);
  assert.deepEqual(wants, [5, 2, 0, 0]);
});

Deno.test("whatever happens, no agent has more than its concurrency or one id twice, and nothing is lost", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("offer" as const), id: fc.constantFrom("a", "b", "c", "d") }),
      fc.record({ do: fc.constant("finish" as const), agent: fc.nat(2) }),
      fc.record({ do: fc.constant("drain" as const), agent: fc.nat(2) }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (all, v1) => {
      const { role, wants } = fakeRole();
      const agents = v1.map((each, index) => agentOf(role, index + 1, each));
      let [offered, finished] = [0, 0];
      for (const step of all) {
        if (step.do === "offer") {
          offered++;
          role.offer(workOf(step.id), text);
        } else {
          const agent = agents[step.agent];
          const [work] = agent?.works() ?? [];
          if (agent === undefined) continue;
          if (step.do === "drain") agent.drain();
          else if (work !== undefined) {
            finished++;
            agent.release(work);
          }
          role.freed(agent);
        }
        for (const agent of agents) {
          const ids = [...agent.works()].map(({ id }) => id);
          assert.ok(ids.length <= agent.concurrency);
          if (!agent.v1) assert.equal(new Set(ids).size, ids.length);
        }
        role.pull(true);
        const free = agents.reduce((sum, agent) => sum + agent.free, 0);
        assert.ok((wants.at(-1) ?? 0) <= free);
      }
      const held = agents.reduce((sum, agent) => sum + agent.inHand, 0);
      assert.equal(held + role.takeWaiting().length + finished, offered);
    }),
  );
});

Deno.test("the last agent to leave takes along what waits, another one does not", () => {
  const { role } = fakeRole();
  const [one, two] = [agentOf(role, 1), agentOf(role, 1)];
  const works = ["a", "b", "c"].map(workOf);
  for (const work of works) role.offer(work, text);
  assert.deepEqual(role.leave(one), []);
  assert.deepEqual(role.leave(two), [works[2]]);
  assert.equal(role.open, false);
});
