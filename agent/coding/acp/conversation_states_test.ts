import assert from "node:assert/strict";
import type * as acp from "@agentclientprotocol/sdk/unstable";
import fc from "fast-check";
import { FakeClock, turns } from "../../testing/fake_clock.ts";
import { Conversation } from "./conversation.ts";

const EVENTS = ["prompt", "end", "fail", "ask", "cancel", "update", "time"] as const;

Deno.test("a conversation leaves no question open and no timer running, whatever the order", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...EVENTS)), async (events) => {
    const clock = new FakeClock();
    let answer: PromiseWithResolvers<acp.PromptResponse> | undefined;
    let updates = 0;
    let cancels = 0;
    const open = new Set<Promise<unknown>>();
    const conversation = new Conversation({
      id: "s",
      modes: { available: [] },
      listener: { update: () => updates++, permission: () => new Promise(() => {}) },
      line: {
        clock,
        cancelWaitMs: 1_000,
        request: <T>() => (answer = Promise.withResolvers()).promise as Promise<T>,
        notify: () => cancels++,
        deaf: () => answer?.reject(new Error("deaf")),
      },
    });
    const endTurn = async (settle: () => void) => {
      settle();
      await turns();
      answer = undefined;
      assert.equal(clock.pending, 0);
      assert.equal(open.size, 0);
    };
    for (const event of events) {
      const before = updates;
      switch (event) {
        case "prompt":
          if (answer !== undefined) await assert.rejects(conversation.prompt("x"), /runs already/);
          else conversation.prompt("x").catch(() => {});
          break;
        case "end":
          await endTurn(() => answer?.resolve({ stopReason: "end_turn" }));
          break;
        case "fail":
          await endTurn(() => answer?.reject(new Error("closed")));
          break;
        case "ask": {
          const asked = conversation.permission({
            sessionId: "s",
            toolCall: { toolCallId: "t" },
            options: [],
          });
          open.add(asked);
          asked.then((outcome) => {
            assert.deepEqual(outcome, { outcome: "cancelled" });
            open.delete(asked);
          });
          await turns();
          if (answer === undefined) assert.equal(open.size, 0);
          break;
        }
        case "cancel":
          conversation.cancel();
          await turns();
          assert.equal(open.size, 0);
          assert.equal(clock.pending, answer === undefined ? 0 : 1);
          break;
        case "update":
          conversation.update({ sessionUpdate: "session_info_update" });
          assert.equal(updates - before, answer === undefined ? 0 : 1);
          break;
        case "time": {
          const deaf = clock.pending > 0;
          await clock.advance(1_000);
          if (deaf) await endTurn(() => {});
        }
      }
    }
    assert.ok(cancels <= events.filter((event) => event === "cancel").length);
  }));
});
