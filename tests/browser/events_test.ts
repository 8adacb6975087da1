/** The live log of the monitor, in a real Chromium. */
import { connect } from "@ourocodus/bus";
import { eventsSubject } from "@ourocodus/protocol";
import { inBrowser } from "./in_browser.ts";

inBrowser(
  "the events page tells why it shows no events: filters, a search, or that it was cleared",
  async (page, scene) => {
    await page.goto(`${scene.api.url}/events?session=docs`);
    await page.getByText("Nothing that passes these filters has happened").waitFor();
    await using connection = await connect({ url: scene.nats.url });
    const event = { id: "1", type: "my:own type/1", payload: { message: "it is done" } };
    connection.nats.publish(eventsSubject("docs"), JSON.stringify(event));
    await page.getByText("it is done").waitFor();
    await page.getByLabel("Search in events").fill("something else");
    await page.getByText("No event matches the search.").waitFor();
    await page.getByLabel("Search in events").fill("");
    await page.getByText("it is done").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("All was cleared.").waitFor();
    await page.getByText(/^0 events/).waitFor();
    await page.getByLabel("Only of type").fill("my:own type/1");
    await page.getByLabel("Only of type").press("Enter");
    await page.getByText("it is done").waitFor();
    await page.getByLabel("Only of session").fill("no session");
    await page.getByLabel("Only of session").press("Enter");
    await page.getByText(/^session is "no session", allowed are/).waitFor();
    await page.getByLabel("Only of session").fill("docs");
    await page.getByLabel("Only of session").press("Enter");
    await page.getByText("it is done").waitFor();
  },
);

inBrowser("who closes an event by keyboard is in the list again", async (page, scene) => {
  await page.goto(`${scene.api.url}/events`);
  for (const id of ["one", "two", "three"]) await scene.send("docs", "writer", id, {});
  await page.getByText(/^three /).waitFor();
  await page.getByRole("listbox").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  const detail = page.getByRole("complementary", { name: "The event" });
  await detail.getByText('"two"').waitFor();
  await page.getByRole("button", { name: "Close the event" }).press("Enter");
  await detail.waitFor({ state: "detached" });
  await page.keyboard.press("ArrowUp");
  await detail.getByText('"three"').waitFor();
});
