/**
 * `deno run -A tests/browser/screenshots.ts FOLDER`: pictures of every page, dark and light, on a
 * phone, a desktop and a wide screen.
 *
 * @module
 */
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { startBrowser } from "./browser.ts";
import { fill, startScene } from "./scene.ts";

/** The pages that are looked at. */
export const PAGES: Readonly<Record<string, string>> = {
  overview: "/",
  agents: "/agents",
  sessions: "/sessions",
  session: "/sessions/docs?show=results",
  dead: "/sessions/nightly-build?show=dead",
  done: "/work/page-3",
  coder: "/work/fix-tax-line",
  coder_results: "/sessions/shop?show=results",
  in_hand: "/work/summarise-papers",
  given_up: "/work/build-2026-11-24",
  events: "/events",
  send: "/send?session=docs&role=writer",
};

const SIZES = {
  phone: { width: 360, height: 780 },
  desktop: { width: 1440, height: 900 },
  wide: { width: 2560, height: 1440 },
} as const;

/** Takes them. @returns How many. */
export async function takeScreenshots(
  browser: Browser,
  url: string,
  folder: string,
): Promise<number> {
  await Deno.mkdir(folder, { recursive: true });
  let taken = 0;
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(url + path);
        await page.locator("h1").waitFor();
        await page.locator(".loading").waitFor({ state: "detached" });
        await page.waitForTimeout(350);
        await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
        taken++;
      }
      await context.close();
    }
  }
  return taken;
}

if (import.meta.main) {
  const [folder = "screenshots"] = Deno.args;
  await using scene = await startScene();
  await fill(scene);
  const browser = await startBrowser();
  try {
    console.log(`${await takeScreenshots(browser, scene.api.url, folder)} in ${folder}`);
  } finally {
    await browser.close();
  }
}
