import assert from "node:assert/strict";
import { agentUrl, parseRelayUrl } from "./agent_url.ts";
import { OptionError } from "./errors.ts";

const query = { session: "s", role: "r", agentId: "a", concurrency: 2 };
const ADDED = "session_id=s&role=r&agent_id=a&concurrency=2&confirm=true";

Deno.test("the agent's path and query are added to the relay's URL", () => {
  const urls = {
    "ws://localhost:8080": `ws://localhost:8080/agent?${ADDED}`,
    "ws://localhost:8080/": `ws://localhost:8080/agent?${ADDED}`,
    "wss://host/relay/": `wss://host/relay/agent?${ADDED}`,
    "http://host": `ws://host/agent?${ADDED}`,
    "https://host?access_token=t#x": `wss://host/agent?access_token=t&${ADDED}`,
  };
  for (const [given, expected] of Object.entries(urls)) {
    assert.equal(agentUrl(parseRelayUrl(given), query).href, expected);
  }
});

Deno.test("an error about a URL does not show its query, where a token may be", () => {
  assert.throws(
    () => parseRelayUrl("nats://host?access_token=secret"),
    /^OptionError: relayUrl is "nats:\/\/host\?…", it must be/,
  );
});

Deno.test("what is no URL is an error that shows it", () => {
  for (const wrong of ["", "localhost:8080", "nats://localhost", "ws://", "//x", undefined, 5]) {
    assert.throws(() => parseRelayUrl(wrong, "RELAY_URL"), (error) => {
      assert(error instanceof OptionError);
      const shown = typeof wrong === "string" ? `"${wrong}"` : String(wrong);
      assert.equal(
        error.message,
        `RELAY_URL is ${shown}, it must be a URL like ws://localhost:8080`,
      );
      return true;
    });
  }
});
