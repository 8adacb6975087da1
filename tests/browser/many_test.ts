/** More of everything than one page of the monitor shows, in a real Chromium. */
import assert from "node:assert/strict";
import { connect } from "@ourocodus/bus";
import { eventsSubject } from "@ourocodus/protocol";
import { until } from "../support/mod.ts";
import { inBrowser } from "./in_browser.ts";

inBrowser("dead letters that are not on the first page are on the next", async (page, scene) => {
  await scene.agent("docs", "writer", "writer-1", () => ({ type: "retry", payload: {} }));
  for (let number = 1; number <= 51; number++) {
    await scene.send("docs", "writer", `piece-${number}`, {});
  }
  await scene.is("piece-51", "dead");
  await page.goto(`${scene.api.url}/sessions/docs?show=dead`);
  await page.getByText("piece-51", { exact: true }).waitFor();
  assert.equal(await page.getByText("piece-1", { exact: true }).count(), 0);
  await page.getByRole("button", { name: "Next page" }).click();
  await page.getByText("piece-1", { exact: true }).waitFor();
  await page.getByText("piece-51", { exact: true }).waitFor({ state: "detached" });
  assert.equal(await page.getByRole("button", { name: "Next page" }).count(), 0);
  await page.getByRole("button", { name: "First page" }).click();
  await page.getByText("piece-51", { exact: true }).waitFor();
});

inBrowser(
  "the overview tells that more sessions need a look than it names",
  async (page, scene) => {
    for (let number = 1; number <= 14; number++) {
      await scene.send(`session-${number}`, "writer", `piece-${number}`, {});
    }
    await page.goto(scene.api.url);
    await page.getByRole("link", { name: "and 2 more sessions" }).click();
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
  },
);

inBrowser(
  "a list of a session is asked for again when something happens there",
  async (page, scene) => {
    await scene.agent("docs", "writer", "writer-1", () => ({ payload: {} }));
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    const count = (end: string) => asked.filter((path) => path.endsWith(end)).length;
    await page.goto(`${scene.api.url}/sessions/docs?show=results`);
    await page.getByText("There is no result yet.").waitFor();
    const [states, lists] = [count("/docs"), count("/results")];
    await until(() => count("/docs") >= states + 3);
    assert.ok(count("/results") <= lists + 1, "it was told of nothing but the agent");
    await scene.send("docs", "writer", "piece-1", {});
    await page.getByText("piece-1", { exact: true }).waitFor();
  },
);

inBrowser("a storm of events does not keep pages from being up to date", async (page, scene) => {
  await page.goto(`${scene.api.url}/agents`);
  await page.getByText("No agent is connected.").waitFor();
  await using connection = await connect({ url: scene.nats.url });
  const event = { id: "1", type: "work.redelivered", payload: {} };
  const storm = setInterval(() => {
    connection.nats.publish(eventsSubject("docs"), JSON.stringify(event));
  }, 10);
  try {
    await scene.agent("docs", "writer", "writer-1");
    await page.getByRole("cell", { name: "writer-1", exact: true }).waitFor();
  } finally {
    clearInterval(storm);
  }
});

inBrowser("the overview tells that it does not count all sessions", async (page, scene) => {
  await using connection = await connect({ url: scene.nats.url });
  const event = JSON.stringify({ id: "1", type: "progress", payload: {} });
  for (let number = 1; number <= 1_001; number++) {
    connection.nats.publish(eventsSubject(`session-${number}`), event);
  }
  await connection.nats.flush();
  await page.goto(scene.api.url);
  await page.getByText("first 1\u202f000 sessions").first().waitFor();
  await page.getByText("Nothing does of 1\u202f000 sessions; there are more.").waitFor();
});

inBrowser("a list that comes too late, or not to its end, is told of", async (page, scene) => {
  await scene.send("docs", "writer", "piece", {});
  await page.addInitScript(() => {
    const { timeout } = AbortSignal;
    AbortSignal.timeout = () => timeout.call(AbortSignal, 300);
  });
  // It is never answered.
  await page.route("**/results?*", () => {});
  await page.goto(`${scene.api.url}/sessions/docs?show=results`);
  // The list's, not that of the numbers above it: those may be too late as well.
  const alert = page.locator(".tabs ~ [role=alert]");
  await alert.getByText(/^no answer within/).waitFor();
  // Of this the end is missing.
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.route("**/results?*", (route) => route.fulfill({ body: '{"results":[' }));
  await page.reload();
  await alert.getByText("the API's answer is not JSON").waitFor();
});
