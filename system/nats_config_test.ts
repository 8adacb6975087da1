import assert from "node:assert/strict";
import { findHome, makeHome } from "./home.ts";
import { writeNatsConfig } from "./nats_config.ts";

Deno.test("what nats-server has stored does not lessen what it may store", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-nats-config-" });
  try {
    const home = findHome(new Map([["OUROCODUS_HOME", folder]]));
    await makeHome(home);
    const limit = async () => {
      await writeNatsConfig(home);
      const config = await Deno.readTextFile(home.natsConfig);
      return Number(/max_file_store: (\d+) /.exec(config)?.[1]);
    };
    const before = await limit();
    assert.ok(before > 0);
    // Without a block on the disk, so that what is free is the same, but for what others do.
    await Deno.mkdir(`${home.natsStore}/jetstream`, { recursive: true });
    await Deno.writeTextFile(`${home.natsStore}/jetstream/1.blk`, "");
    await Deno.truncate(`${home.natsStore}/jetstream/1.blk`, 2 ** 42);
    assert.ok(Math.abs(await limit() - before - 2 ** 42) < 2 ** 40);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
