/**
 * Tests of the monitor: a real system, and a page in a real browser.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { complaints, findChromium, startBrowser } from "./browser.ts";
import { type Scene, startScene } from "./scene.ts";

const missing = findChromium() === undefined;
if (missing && Deno.env.get("CI")) throw new Error("Chromium is missing; CI must have it");

/** A test in a browser; without one it is left out. */
export function inBrowser(
  name: string,
  run: (page: Page, scene: Scene, browser: Browser) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: missing,
    // The driver keeps its process and sockets for a moment longer than a test.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using scene = await startScene();
      const browser = await startBrowser();
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(15_000);
        const found = complaints(page);
        await run(page, scene, browser);
        assert.deepEqual(found, [], "the browser has nothing to complain about");
      } finally {
        await browser.close();
      }
    },
  });
}
