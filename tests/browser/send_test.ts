/** Sending work from the monitor, in a real Chromium. */
import { startApi } from "../support/mod.ts";
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
