/** Sending work from the monitor, in a real Chromium. */
import assert from "node:assert/strict";
import { startApi, until } from "../support/mod.ts";
import { inBrowser } from "./in_browser.ts";

inBrowser(
  "work that nobody does yet keeps nothing from the page, and its results come in the end",
  async (page, scene) => {
    await page.goto(`${scene.api.url}/send?session=docs&role=writer`);
    for (let number = 1; number <= 7; number++) {
      await page.getByLabel("Message", { exact: true }).last().fill(`piece ${number}`);
      await page.getByRole("button", { name: "Send work" }).click();
      await page.getByText(`Stored as ${number}; its result will stand here.`).waitFor();
    }
    await scene.api.kill();
    await page.getByText("The API is away.").waitFor();
    const { port } = scene.api;
    await using _again = await startApi({ natsUrl: scene.nats.url, port });
    await scene.agent(
      "docs",
      "writer",
      "writer-1",
      (text) => ({ payload: { output: `${text}!` } }),
    );
    for (let number = 1; number <= 7; number++) {
      await page.getByText(`piece ${number}!`, { exact: true }).waitFor();
    }
  },
);

inBrowser("a message is sent once, however often it is asked for", async (page, scene) => {
  await scene.agent("docs", "writer", "writer-1", (text) => ({ payload: { output: text } }));
  const asked: string[] = [];
  await page.route("**/work/writer", async (route) => {
    asked.push(route.request().headers()["idempotency-key"] ?? "");
    // The first is stored, but its answer is lost.
    if (asked.length > 1) return await route.continue();
    await route.fetch();
    await route.abort();
  });
  await page.goto(`${scene.api.url}/send?session=docs&role=writer`);
  const message = page.getByLabel("Message", { exact: true }).last();
  await message.fill("only once");
  await message.press("Control+Enter");
  await page.getByText("not sent").waitFor();
  for (let time = 0; time < 3; time++) await message.press("Control+Enter");
  await page.getByText("only once", { exact: true }).last().waitFor();
  await until(async () => await message.inputValue() === "", { message: "an empty form" });
  assert.equal(asked.length, 2);
  assert.equal(asked[0], asked[1], "it is the same work, for the API too");
  const { results } = await (await fetch(`${scene.api.url}/api/sessions/docs/results`)).json();
  assert.equal(results.length, 1);
});

inBrowser("the form says that no agent takes the work, until one does", async (page, scene) => {
  await scene.agent("docs", "reviewer", "reviewer-1");
  await page.goto(`${scene.api.url}/send?session=docs&role=writer`);
  const warning = page.getByText("No agent of role writer is connected to session docs.");
  await warning.waitFor();
  await scene.agent("docs", "writer", "writer-1");
  await warning.waitFor({ state: "detached" });
  await page.getByLabel("Role").fill("nobody");
  await page.getByText("No agent of role nobody is connected").waitFor();
  await scene.relay.kill();
  await page.getByText("it is not known whether an agent takes this work").waitFor();
});
