/**
 * A real browser for tests: Debian's Chromium, driven by playwright-core.
 *
 * @module
 */
import { type Browser, chromium, type Page } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of a Chromium, from `CHROMIUM` or where Debian puts it; undefined if there is none. */
export function findChromium(): string | undefined {
  const given = Deno.env.get("CHROMIUM");
  if (given) return given;
  return PLACES.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Starts it. @throws {Error} If there is none. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error("There is no Chromium: apt-get install chromium");
  }
  return await chromium.launch({ executablePath, args: FLAGS });
}

/** Everything on a page that a browser complains about. */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("pageerror", (error) => void found.push(String(error)));
  page.on("console", (message) => {
    // That a server which was stopped does not answer, is what those tests are about.
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) {
      found.push(message.text());
    }
  });
  return found;
}
