/** The page of a work item, and the lists that lead to it, in a real Chromium. */
import assert from "node:assert/strict";
import { cancelWork } from "@ourocodus/ops";
import { connect } from "@ourocodus/bus";
import { inBrowser } from "./in_browser.ts";

inBrowser("a second search is a search of its own", async (page, scene) => {
  await scene.send("docs", "writer", "first", {});
  await scene.send("docs", "writer", "second", {});
  await page.goto(scene.api.url);
  for (const id of ["first", "second"]) {
    await page.keyboard.press("/");
    await page.keyboard.type(`${id}\n`);
    await page.getByRole("heading", { level: 1, name: id }).waitFor();
  }
});

inBrowser(
  "results tell failed, dead and cancelled work apart, whatever agents say, and no state is cut",
  async (page, scene) => {
    await using connection = await connect({ url: scene.nats.url });
    const ends: Readonly<Record<string, { readonly type?: string; readonly payload: object }>> = {
      "done-1": { payload: {} },
      "failed-1": { type: "error", payload: { code: "cancelled", message: "says its agent" } },
      "dead-1": { type: "retry", payload: {} },
    };
    await scene.agent("docs", "writer", "writer-1", (text) => ends[text]);
    for (const id of Object.keys(ends)) await scene.send("docs", "writer", id, { message: id });
    await scene.send("docs", "nobody", "cancelled-1", {});
    await cancelWork(connection, { id: "cancelled-1" });
    await scene.is("dead-1", "dead");
    await page.goto(`${scene.api.url}/sessions/docs?show=results`);
    for (const state of ["done", "failed", "dead", "cancelled"]) {
      const row = page.getByRole("listitem").filter({
        has: page.getByText(`${state}-1`, { exact: true }),
      });
      await row.getByText(state, { exact: true }).waitFor();
    }
    const cut = await page.locator(".badge").evaluateAll((badges) =>
      badges.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
        .map(({ textContent }) => textContent)
    );
    assert.deepEqual(cut, []);
    for (const [id, step] of [["cancelled-1", "Cancelled"], ["dead-1", "Dead, after"]] as const) {
      await page.goto(`${scene.api.url}/work/${id}`);
      const steps = page.locator(".timeline li");
      await steps.filter({ hasText: step }).waitFor();
      const words = await steps.allTextContents();
      const ends = words.filter((text) => /Cancelled|Dead|Error|dead letter/.test(text));
      assert.equal(ends.length, 1, `${id} ends once: ${words.join(" | ")}`);
    }
  },
);

inBrowser("long progress keeps its line breaks, and is shown to its end", async (page, scene) => {
  const agent = await scene.agent("docs", "writer", "writer-1");
  await scene.send("docs", "writer", "long", {});
  const work = await agent.gets(1);
  const lines = Array.from({ length: 200 }, (_, index) => `step ${index + 1}`);
  agent.answer(work, { message: lines.join("\n") }, "progress");
  await page.goto(`${scene.api.url}/work/long`);
  const said = page.getByLabel("What was said");
  await said.waitFor();
  assert.match((await said.textContent()) ?? "", /^step 1\nstep 2\n/);
  await page.getByRole("button", { name: "Show all" }).click();
  await said.getByText("step 200").waitFor();
  assert.equal(await said.textContent(), lines.join("\n"));
});

inBrowser("work that an agent may still have is not said to wait", async (page, scene) => {
  const agent = await scene.agent("docs", "writer", "writer-1");
  await scene.send("docs", "writer", "lost", {});
  await agent.gets(1);
  await scene.is("lost", "in_hand");
  await scene.relay.kill();
  await page.goto(`${scene.api.url}/work/lost`);
  await page.getByText("no relay says that the agent has it").waitFor();
  await page.getByText("it is not known whether agent writer-1").waitFor();
  assert.equal(await page.getByText("It waits in the queue").count(), 0);
});
