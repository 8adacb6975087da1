/**
 * The monitor in a real Chromium, before a real system. Pictures of every page are kept in the
 * folder that SCREENSHOTS names, else in `screenshots/`.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { connect } from "@ourocodus/bus";
import { eventsSubject } from "@ourocodus/protocol";
import { ROOT, startNats, until } from "../support/mod.ts";
import { inBrowser } from "./in_browser.ts";
import { fill } from "./scene.ts";
import { PAGES, takeScreenshots } from "./screenshots.ts";

const HOSTILE =
  '<img src=x onerror="document.title=\'hacked\'"><script>document.title="hacked"</script>';

inBrowser(
  "an agent that connects appears without a reload, and one that is stopped goes",
  async (page, scene) => {
    await page.goto(`${scene.api.url}/agents`);
    await page.getByText("No agent is connected.").waitFor();
    const agent = await scene.agent("docs", "writer", "writer-1");
    await page.getByRole("cell", { name: "writer-1", exact: true }).waitFor();
    await page.getByRole("button", { name: "Stop writer-1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop", exact: true }).click();
    assert.equal((await agent.closed).code, 4501);
    await page.getByText("No agent is connected.").waitFor();
  },
);

inBrowser(
  "work is sent from the form, and its result is shown when it comes",
  async (page, scene) => {
    await scene.agent(
      "docs",
      "writer",
      "writer-1",
      (text) => ({ payload: { output: text.toUpperCase() } }),
    );
    await page.goto(`${scene.api.url}/send`);
    await page.getByLabel("Session").fill("docs");
    await page.getByLabel("Role").fill("writer");
    await page.getByLabel("Message", { exact: true }).last().fill("hello there");
    await page.getByRole("button", { name: "Send work" }).click();
    await page.getByText("HELLO THERE", { exact: true }).waitFor();
    assert.match(page.url(), /session=docs&role=writer/, "the form's state is in the address");
    await page.getByRole("link", { name: /^work_/ }).click();
    await page.getByRole("heading", { name: "What happened" }).waitFor();
    await page.getByText("Handed to").waitFor();
    await page.goBack();
    assert.equal(await page.getByLabel("Session").inputValue(), "docs");
    await page.getByLabel("JSON").check();
    await page.getByLabel("Payload, a JSON object").fill("[1]");
    await page.getByText("It must be a JSON object").waitFor();
    assert.ok(await page.getByRole("button", { name: "Send work" }).isDisabled());
  },
);

inBrowser("a banner tells that NATS is away, and goes when it is back", async (page, scene) => {
  await page.goto(`${scene.api.url}/`);
  await page.getByText("healthy", { exact: true }).waitFor();
  await scene.nats.kill();
  const banner = page.getByText("NATS is away.");
  await banner.waitFor();
  await page.getByText("Which relays there are is not known now.").waitFor();
  assert.equal(await page.getByText("ourocodus start").count(), 0, "a relay would not help");
  await using _again = await startNats({ port: scene.nats.port, storeDir: scene.nats.storeDir });
  await banner.waitFor({ state: "detached" });
  await page.getByText("healthy", { exact: true }).waitFor();
});

inBrowser("who opens the page later is told since when NATS is away", async (page, scene) => {
  await scene.nats.kill();
  await page.route("**/health", async (route) => {
    const response = await route.fetch();
    const health = await response.json();
    // As if it had been for three minutes.
    const nats_since = new Date(Date.now() - 180_000).toISOString();
    await route.fulfill({ response, json: { ...health, nats_since } });
  });
  await page.goto(`${scene.api.url}/agents`);
  await page.getByText("NATS is away. It has been for 3 min.").waitFor();
});

inBrowser("an agent's restarts, and how it has ended, are shown", async (page, scene) => {
  await scene.agent("docs", "writer", "writer-1");
  await page.route("**/api/agents", async (route) => {
    const response = await route.fetch();
    const list = await response.json();
    const [agent] = list.agents;
    const ended = { ...agent, id: "writer-2", status: "exited", exit: { code: 7, signal: null } };
    await route.fulfill({
      response,
      json: { ...list, agents: [{ ...agent, restarts: 2 }, ended] },
    });
  });
  await page.goto(`${scene.api.url}/agents`);
  await page.getByRole("row").filter({ hasText: "connected" }).getByText("2 restarts").waitFor();
  await page.getByRole("row").filter({ hasText: "exited" }).getByText("code 7").waitFor();
});

inBrowser(
  "5,000 events are drawn row by row, and what one reads stays where it is",
  async (page, scene) => {
    await page.goto(`${scene.api.url}/events`);
    await page.getByText("Nothing has happened").waitFor();
    await using connection = await connect({ url: scene.nats.url });
    const event = (number: number) =>
      connection.nats.publish(
        eventsSubject("load"),
        JSON.stringify({
          id: `${number}`,
          type: "progress",
          payload: { message: `step ${number}` },
        }),
      );
    for (let number = 1; number <= 5_000; number++) event(number);
    await page.getByText("step 5000", { exact: true }).waitFor();
    await page.getByText("5\u202f000 events").waitFor();
    const rows = page.getByRole("option");
    assert.ok(await rows.count() < 120, "only what is seen is in the page");
    const log = page.getByRole("listbox");
    await log.evaluate((element) => element.scrollTop = 28 * 2_000);
    const reading = page.getByText("step 2005", { exact: true });
    await reading.waitFor();
    const before = await reading.boundingBox();
    for (let number = 5_001; number <= 5_200; number++) event(number);
    await page.getByRole("button", { name: /200 new/ }).waitFor();
    assert.deepEqual(await reading.boundingBox(), before);
    // The page answers: a click on a row shows the event within the time-out of this test.
    await reading.click();
    await page.getByLabel("The event").getByText('"step 2005"').waitFor();
    await page.getByRole("button", { name: /200 new/ }).click();
    await page.getByText("step 5200", { exact: true }).waitFor();
    await page.getByLabel("Search in events").fill("step 1234");
    await page.getByText(/^1 of 5.200 events/).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    event(12_345);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText(/^2 of 5.201 events/).waitFor();
  },
);

inBrowser(
  "what agents send is text: no markup, no megabyte, no hidden characters",
  async (page, scene) => {
    const huge = "x".repeat(900_000);
    const agent = await scene.agent(
      "s",
      "r",
      "evil",
      (text) =>
        text === "huge"
          ? { payload: { output: huge } }
          : { payload: { [HOSTILE]: HOSTILE, list: [HOSTILE], hidden: "a\u202eb\u0007c" } },
    );
    await scene.send("s", "r", HOSTILE.slice(0, 100), { message: HOSTILE });
    await scene.send("s", "r", "huge", { message: "huge" });
    await scene.is("huge", "done");
    const progress = { id: "p", type: HOSTILE.slice(0, 60), payload: { message: HOSTILE } };
    agent.send(JSON.stringify(progress));
    for (
      const [path, shown] of [
        ["/events", "<img"],
        ["/sessions/s?show=results", "<img"],
        ["/work/huge", "xxx"],
        ["/sessions/s/work/1", "<img"],
        ["/", "healthy"],
      ] as const
    ) {
      await page.goto(scene.api.url + path);
      await page.getByRole("main").getByText(shown).first().waitFor();
      assert.doesNotMatch(await page.title(), /hacked/);
      assert.equal(await page.locator("main img, main script").count(), 0, path);
    }
    await page.goto(`${scene.api.url}/sessions/s/work/1`);
    await page.getByText("a⟨U+202E⟩b⟨U+0007⟩c").waitFor();
    await page.goto(`${scene.api.url}/work/huge`);
    const text = page.locator(".result pre").first();
    await text.waitFor();
    assert.ok(((await text.textContent()) ?? "").length < 10_000, "a megabyte is cut");
    await page.getByRole("button", { name: /Show all, 87. KiB/ }).click();
    await until(async () => ((await text.textContent()) ?? "").length === 900_000);
  },
);

inBrowser(
  "a result is shown as its text, a diff in it by lines, an error with what helps; all else folded",
  async (page, scene) => {
    const answers: Readonly<Record<string, { readonly type?: string; readonly payload: object }>> =
      {
        diff: {
          payload: {
            text:
              `${HOSTILE}\n  two\u202e spaces\x1b[31m\n--- a\n+++ b\n@@ -1 +1 @@\n-${HOSTILE}\n+new`,
            patch: `diff --git a/x b/x\n${HOSTILE}`,
            branch: HOSTILE,
            commit: "4f1d2c9a7d0c",
            files: [{ path: HOSTILE, added: 1, removed: 1 }],
          },
        },
        error: {
          type: "error",
          payload: { message: "it failed\nbadly", code: "exit", stderr: HOSTILE, branch: "b" },
        },
        json: { payload: { output: { verdict: HOSTILE } } },
      };
    await scene.agent("s", "r", "agent", (text) => answers[text]);
    for (const id of Object.keys(answers)) await scene.send("s", "r", id, { message: id });
    await scene.is("json", "done");
    await page.goto(`${scene.api.url}/work/diff`);
    const result = page.locator(".result");
    await result.locator("pre").first().waitFor();
    assert.equal(
      await result.locator("pre").first().textContent(),
      `${HOSTILE}\n  two⟨U+202E⟩ spaces\n--- a\n+++ b\n@@ -1 +1 @@\n-${HOSTILE}\n+new`,
    );
    assert.equal((await result.locator(".diff-removed").textContent())?.trim(), `-${HOSTILE}`);
    assert.equal(await result.locator(".diff-added").textContent(), "+new");
    await result.getByText("(4f1d2c9) · 1 file +1 −1").waitFor();
    const raw = result.getByText('"commit": "4f1d2c9a7d0c"');
    assert.equal(await raw.isVisible(), false);
    await result.getByText("Raw").click();
    await raw.waitFor();
    await result.getByText("Patch", { exact: true }).click();
    await result.getByLabel("The patch").getByText("<img").waitFor();
    await page.goto(`${scene.api.url}/work/error`);
    await result.getByText("it failed\nbadly (exit)").waitFor();
    await result.getByRole("definition").getByText("<img").waitFor();
    await page.goto(`${scene.api.url}/work/json`);
    await result.getByRole("definition").getByText('"verdict"').waitFor();
    await page.goto(`${scene.api.url}/sessions/s?show=results`);
    await page.getByText("r · it failed badly (exit)").waitFor();
    assert.doesNotMatch(await page.title(), /hacked/);
    assert.equal(await page.locator("main img, main script").count(), 0);
  },
);

inBrowser("dead work is sent again from its page", async (page, scene) => {
  await fill(scene);
  await page.goto(`${scene.api.url}/work/build-2026-11-24`);
  await page.getByText("given up after 2 attempts").first().waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.waitForURL(/\/sessions\/nightly-build\/work\/\d+$/);
  await page.getByText("It is a retry of").getByRole("link").click();
  await page.getByRole("link", { name: "It was sent again" }).waitFor();
});

inBrowser(
  "work that waits, and work that an agent has, is cancelled, and the receipt says which it was",
  async (page, scene) => {
    const agent = await scene.agent("docs", "writer", "writer-1", () => undefined);
    await scene.send("docs", "nobody", "waits", {});
    await scene.send("docs", "writer", "in-hand", {});
    await agent.gets(1);
    await page.goto(`${scene.api.url}/sessions/docs`);
    await page.getByRole("button", { name: "Cancel waits" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel waits" }).click();
    await dialog.getByLabel("Reason, optional").fill("not needed");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await dialog.getByText("It was waiting, and is removed from the queue.").waitFor();
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel waits" }).waitFor({ state: "detached" });
    await page.goto(`${scene.api.url}/work/in-hand`);
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await dialog.getByText("Agent writer-1 has it").waitFor();
    await dialog.getByRole("button", { name: "Cancel the work" }).click();
    await dialog.getByText("Agent writer-1 had it, attempt 1. It speaks the plain").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByText(/^It was cancelled, .* after it was stored/).waitFor();
    await page.getByText("Handed to").waitFor();
    await scene.is("waits", "cancelled");
    assert.equal(
      await page.getByRole("button", { name: "Cancel", exact: true }).count(),
      0,
      "what is cancelled cannot be cancelled again",
    );
    await page.goto(`${scene.api.url}/sessions/docs?show=results`);
    await page.getByText(/not needed/).waitFor();
    const row = page.getByRole("listitem").filter({ hasText: "waits" });
    await row.getByText("cancelled", { exact: true }).waitFor();
  },
);

inBrowser(
  "the search finds work by its id, by keyboard alone, and an unknown one is told",
  async (page, scene) => {
    await scene.send("s", "r", "some/odd id?#%", {});
    await page.goto(scene.api.url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("some/odd id?#%");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "some/odd id?#%" }).waitFor();
    await page.getByText("no agent of role r is connected").waitFor();
    await page.goto(`${scene.api.url}/work/nothing`);
    await page.getByText(/nothing is known of work/).waitFor();
    await page.getByRole("heading", { level: 1, name: "Work" }).waitFor();
  },
);

inBrowser(
  "every page has a picture, and axe finds nothing serious in any, dark or light",
  async (page, scene, browser) => {
    await fill(scene);
    const folder = Deno.env.get("SCREENSHOTS") ?? `${ROOT}/screenshots`;
    assert.equal(
      await takeScreenshots(browser, scene.api.url, folder),
      6 * Object.keys(PAGES).length,
    );
    console.log(`pictures are in ${folder}`);
    const { default: { source } } = await import("axe-core");
    for (const colorScheme of ["light", "dark"] as const) {
      // Our own policy would keep the checker out.
      const context = await browser.newContext({ colorScheme, bypassCSP: true });
      const checked = await context.newPage();
      for (const [name, path] of Object.entries(PAGES)) {
        await checked.goto(scene.api.url + path);
        await checked.getByRole("heading", { level: 1 }).waitFor();
        await checked.locator(".loading").waitFor({ state: "detached" });
        await checked.evaluate(source);
        const found = await checked.evaluate(async () => {
          // deno-lint-ignore no-explicit-any
          const { violations } = await (globalThis as any).axe.run();
          // deno-lint-ignore no-explicit-any
          return violations.filter(({ impact }: any) =>
            impact === "serious" || impact === "critical"
          )
            // deno-lint-ignore no-explicit-any
            .map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html).join(" ")}`);
        });
        assert.deepEqual(found, [], `${name}, ${colorScheme}`);
      }
      await context.close();
    }
    await page.goto(scene.api.url);
  },
);

inBrowser("at 360 px nothing has to be moved sideways", async (page, scene) => {
  await fill(scene);
  await page.setViewportSize({ width: 360, height: 780 });
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(scene.api.url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.locator(".loading").waitFor({ state: "detached" });
    const wider = await wideParts(page);
    assert.deepEqual(wider, [], name);
  }
});

inBrowser(
  "names may be as long as is allowed: nothing is moved aside by them",
  async (page, scene) => {
    const session = "s".repeat(64);
    const role = "r".repeat(64);
    await scene.agent(session, role, "a".repeat(64));
    await scene.agent("docs", "writer", "writer-1");
    for (const width of [360, 1_000, 1_440]) {
      await page.setViewportSize({ width, height: 780 });
      for (const path of ["/agents", "/sessions", `/sessions/${session}`]) {
        await page.goto(scene.api.url + path);
        await page.getByRole("main").getByText(session).first().waitFor();
        assert.deepEqual(await wideParts(page), [], `${path} at ${width} px`);
      }
    }
  },
);

/** What is wider than the room it has. */
async function wideParts(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    // deno-lint-ignore no-explicit-any
    const { document } = globalThis as any;
    return [...document.querySelectorAll("html, header nav, .scroll, .log-scroll, td")]
      // deno-lint-ignore no-explicit-any
      .filter((one: any) => one.scrollWidth > one.clientWidth)
      // deno-lint-ignore no-explicit-any
      .map((one: any) => `${one.className || one.tagName} ${one.scrollWidth}`);
  });
}
