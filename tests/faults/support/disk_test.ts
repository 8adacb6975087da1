import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { until } from "../../support/mod.ts";
import { Disk, diskImpossible } from "./disk.ts";

const impossible = await diskImpossible();
if (impossible !== undefined) console.log(`Skipped: a disk that loses its power ${impossible}`);

Deno.test({
  name: "a disk that lost its power has what was synced, and nothing that was not",
  ignore: impossible !== undefined,
  async fn() {
    await using disk = await Disk.create();
    const write = async (name: string, synced: boolean) => {
      using file = await Deno.open(`${disk.seen}/${name}`, { write: true, create: true });
      await file.write(new TextEncoder().encode(name));
      if (synced) await file.sync();
    };
    await write("written-back", false);
    await disk.writeBack();
    await write("synced", true);
    await write("not-synced", false);
    assert.ok(existsSync(`${disk.seen}/not-synced`));
    disk.losePower();
    await disk.hasPower();
    assert.equal(await Deno.readTextFile(`${disk.seen}/written-back`), "written-back");
    assert.equal(await Deno.readTextFile(`${disk.seen}/synced`), "synced");
    assert.ok(!existsSync(`${disk.seen}/not-synced`));
  },
});

Deno.test({
  name: "a disk leaves nothing behind",
  ignore: impossible !== undefined,
  async fn() {
    const disk = await Disk.create();
    const { folder } = disk;
    const image = folder.replace(/disk$/, "image");
    await disk[Symbol.asyncDispose]();
    assert.ok(!existsSync(folder));
    // The kernel takes a moment to let go of it.
    await until(async () => !(await backingFiles()).some((file) => file.startsWith(image)), {
      message: "the loop device to be free",
    });
  },
});

/** The files behind all loop devices. */
async function backingFiles(): Promise<string[]> {
  const devices = await Array.fromAsync(Deno.readDir("/sys/block"));
  return await Promise.all(
    devices.filter(({ name }) => name.startsWith("loop")).map(({ name }) =>
      Deno.readTextFile(`/sys/block/${name}/loop/backing_file`).catch(() => "")
    ),
  );
}
