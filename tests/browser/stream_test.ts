/** How the monitor keeps its connection to the event stream, in a real Chromium. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { until } from "../support/mod.ts";
import { inBrowser } from "./in_browser.ts";
import type { Scene } from "./scene.ts";

/** Shows the page, or hides it, as it is when another tab is looked at. */
async function show(page: Page, state: "visible" | "hidden"): Promise<void> {
  await page.evaluate((state) => {
    // deno-lint-ignore no-explicit-any
    const { document, Event } = globalThis as any;
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

async function streams({ api }: Scene, count: number): Promise<void> {
  await until(async () => {
    const { event_clients } = await (await fetch(`${api.url}/health`)).json();
    return event_clients === count;
  }, { message: `${count} clients of the event stream` });
}

inBrowser(
  "a page that is not seen holds no connection, and misses nothing when it is seen again",
  async (page, scene) => {
    await scene.send("docs", "writer", "before", {});
    await page.goto(`${scene.api.url}/events`);
    await page.getByText(/^before /).waitFor();
    await streams(scene, 2);
    await show(page, "hidden");
    await streams(scene, 0);
    await scene.send("docs", "writer", "meanwhile", {});
    await show(page, "visible");
    await page.getByText(/^meanwhile /).waitFor();
    assert.equal(await page.getByText(/^before /).count(), 1);
    assert.equal(await page.getByText("The API is away.").count(), 0);
  },
);

inBrowser("as many tabs can be open as one likes", async (_page, scene, browser) => {
  await using context = await browser.newContext();
  for (let number = 1; number <= 7; number++) {
    const before = context.pages().at(-1);
    if (before !== undefined) await show(before, "hidden");
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(`${scene.api.url}/events`);
    await page.getByText("Nothing has happened").waitFor();
    await streams(scene, 2);
  }
});

inBrowser("a banner tells that the API has come to a stop", async (page, scene) => {
  await page.clock.install();
  await page.goto(`${scene.api.url}/`);
  await page.getByText("healthy", { exact: true }).waitFor();
  await streams(scene, 1);
  await scene.api.process.freeze();
  await page.clock.fastForward(41_000);
  const banner = page.getByText("The API is away.");
  await banner.waitFor();
  scene.api.process.send("SIGCONT");
  await banner.waitFor({ state: "detached" });
});
