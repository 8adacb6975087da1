/** The monitor of an API that asks for a token, in a real Chromium. */
import assert from "node:assert/strict";
import { createToken } from "@ourocodus/edge";
import { buildMonitor, monitorIsStale } from "../../web/build.ts";
import { SocketAgent, startApi, startNats, startRelay } from "../support/mod.ts";
import { findChromium, startBrowser } from "./browser.ts";

const SECRET = "a-secret-of-this-test";

const missing = findChromium() === undefined;
if (missing && Deno.env.get("CI")) throw new Error("Chromium is missing; CI must have it");

Deno.test({
  name: "the monitor asks for a token, says when it is refused, and keeps it until log-out",
  ignore: missing,
  // The driver keeps its process and sockets for a moment longer than a test.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    if (await monitorIsStale()) await buildMonitor();
    await using nats = await startNats();
    const env = { OUROCODUS_TOKEN: SECRET };
    await using relay = await startRelay({ natsUrl: nats.url, env });
    await using api = await startApi({ natsUrl: nats.url, env });
    const ttlMs = 3_600_000;
    const agentToken = await createToken({ secret: SECRET }, { can: ["agent"] }, { ttlMs });
    const connect = (session: string, agentId: string) =>
      SocketAgent.connect({
        ...{ relayUrl: relay.url, session, role: "writer", agentId, token: agentToken },
      });
    await using _docs = await connect("docs", "docs-1");
    await using _papers = await connect("papers", "papers-1");
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(15_000);
      const faults: Error[] = [];
      page.on("pageerror", (error) => faults.push(error));
      await page.goto(`${api.url}/agents`);
      const dialog = page.getByRole("dialog", { name: "A token is needed" });
      await dialog.waitFor();
      assert.equal(await page.getByText("docs-1").count(), 0);

      const logIn = async (token: string) => {
        await dialog.getByLabel("Token").fill(token);
        await dialog.getByRole("button", { name: "Log in" }).click();
      };
      for (let time = 0; time < 3; time++) await page.keyboard.press("Escape");
      await logIn("“copied-from-a-text”");
      await dialog.getByText("It was refused: it has a character that no token has: U+201C")
        .waitFor();
      await logIn("wrong");
      await dialog.getByText("It was refused: the token is not known").waitFor();

      const can = ["read"] as const;
      await logIn(await createToken({ secret: SECRET }, { can, session: "docs" }, { ttlMs }));
      await page.getByRole("cell", { name: "docs-1", exact: true }).waitFor();
      assert.equal(await page.getByText("papers-1").count(), 0, "another session's is not shown");
      // What comes is heard, too: the stream has the token.
      await using _late = await connect("docs", "docs-2");
      await page.getByRole("cell", { name: "docs-2", exact: true }).waitFor();
      assert.doesNotMatch(page.url(), /token|eyJ/, "it is in no address");

      await page.reload();
      await page.getByRole("cell", { name: "docs-1", exact: true }).waitFor();
      await page.getByRole("button", { name: "Log out" }).click();
      await dialog.waitFor();
      assert.equal(await page.getByText("docs-1").count(), 0);

      // Who may not hear of events, is not told that there is no API.
      const ofRole = { can, session: "docs", role: "writer" };
      const heard = page.waitForResponse((response) => response.url().includes("/api/events"));
      await logIn(await createToken({ secret: SECRET }, ofRole, { ttlMs }));
      assert.equal((await heard).status(), 403);
      await page.getByRole("cell", { name: "docs-1", exact: true }).waitFor();
      await page.waitForResponse((response) => response.url().includes("/api/events"));
      assert.equal(await page.getByText("The API is away.").count(), 0);
      await page.getByRole("button", { name: "Log out" }).click();

      await logIn(SECRET);
      await page.getByRole("cell", { name: "papers-1", exact: true }).waitFor();
      assert.deepEqual(faults, []);
    } finally {
      await browser.close();
    }
  },
});
