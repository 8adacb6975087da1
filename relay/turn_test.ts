import assert from "node:assert/strict";
import type { AgentConnection } from "./agent_connection.ts";
import type { Role } from "./role.ts";
import { Turn, type TurnEnd } from "./turn.ts";

const agent = (name: string) => name as unknown as AgentConnection;
const role = (name: string) => name as unknown as Role;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

Deno.test("what one turn notes is handed over together, each once, at its end", async () => {
  const ends: TurnEnd[] = [];
  const turn = new Turn((end) => ends.push(end));
  for (const name of ["a", "b", "a"]) turn.agent(agent(name));
  turn.role(role("r"));
  turn.something();
  assert.equal(ends.length, 0);
  await nextTurn();
  assert.deepEqual(ends.map(({ agents, roles }) => [[...agents], [...roles]]), [
    [["a", "b"], ["r"]],
  ]);
  await nextTurn();
  assert.equal(ends.length, 1, "a turn in which nothing was noted has no end");
  turn.close();
});

Deno.test("what is noted while a turn ends belongs to the next", async () => {
  const ends: string[][] = [];
  const turn: Turn = new Turn(({ agents }) => {
    ends.push([...agents] as unknown as string[]);
    if (ends.length === 1) turn.agent(agent("next"));
  });
  turn.agent(agent("first"));
  turn.end();
  assert.deepEqual(ends, [["first"]]);
  await nextTurn();
  await nextTurn();
  assert.deepEqual(ends, [["first"], ["next"]]);
  turn.close();
});
