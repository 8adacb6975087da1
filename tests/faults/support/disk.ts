/**
 * A disk that can lose its power: what was not synced is gone, what was synced is there.
 *
 * It is an ext4 file system in a file, mounted in a mount namespace of its own, which ends with its
 * last process. The kernel shuts it down as its own tests of ext4 do, with an ioctl: from then on
 * nothing of the page cache and nothing of the journal's open transaction is written, as if the
 * power had been cut. It is mounted again from what the disk has. This needs Linux and root.
 *
 * @module
 */
import { runProcess, startProcess, type TestProcess } from "../../support/mod.ts";

/** Only what is written takes space; JetStream's limits are a part of this. */
const BYTES = 4 * 2 ** 30;
/** `FS_IOC_SHUTDOWN`, and its flag by which neither data nor the journal are written before. */
const SHUTDOWN = 0x8004587dn;
const WITHOUT_JOURNAL = new Uint32Array([2]);
const O_RDONLY = 0;

/** A disk for one program. Disposing of it removes it; what runs on it must have ended. */
export class Disk implements AsyncDisposable {
  /** Where it is mounted, as programs see it that are started with {@linkcode launcher}. */
  readonly folder: string;
  /** A command that runs the command after it in its own place, where the disk is mounted. */
  readonly launcher: readonly string[];
  readonly #image: string;
  readonly #temporary: string;
  readonly #holder: TestProcess;

  /** Makes an empty one. @throws {Error} If that is not possible here, with what was said. */
  static async create(): Promise<Disk> {
    const temporary = await Deno.makeTempDir({ prefix: "ourocodus-disk-" });
    const image = `${temporary}/image`;
    try {
      await Deno.mkdir(`${temporary}/disk`);
      using file = await Deno.open(image, { write: true, create: true });
      await file.truncate(BYTES);
      // A small journal: this is quick, and it need not be large for the little that is written.
      await run("mkfs.ext4", ["-q", "-F", "-J", "size=8", image]);
      const hold = 'mount -o loop "$1" "$2" && echo mounted && exec sleep infinity';
      const args = ["--mount", "sh", "-c", hold, "sh", image, `${temporary}/disk`];
      const holder = startProcess("unshare", args, { name: "unshare" });
      const disk = new Disk(temporary, image, holder);
      await holder.waitForLine("mounted").catch(async (error) => {
        await holder.kill();
        throw error;
      });
      return disk;
    } catch (error) {
      await Deno.remove(temporary, { recursive: true });
      throw error;
    }
  }

  private constructor(temporary: string, image: string, holder: TestProcess) {
    this.folder = `${temporary}/disk`;
    this.launcher = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--"];
    this.#image = image;
    this.#temporary = temporary;
    this.#holder = holder;
  }

  /** The folder, as this process sees it. */
  get seen(): string {
    return `/proc/${this.#holder.pid}/root${this.folder}`;
  }

  /** Writes to it all that waits in memory, as Linux does by itself within half a minute. */
  async writeBack(): Promise<void> {
    await this.#inside("sync", "--file-system", this.folder);
  }

  /**
   * Its power is cut: what was not synced is gone for good. What ran on it must have been killed:
   * its processes would not have outlived this either.
   */
  losePower(): void {
    shutDown(this.seen);
  }

  /** Its power is back. */
  async hasPower(): Promise<void> {
    await this.#inside("umount", this.folder);
    await this.#inside("mount", "-o", "loop", this.#image, this.folder);
  }

  /** Unmounts and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    // The last process of the namespace: with it the mount goes, and with that the loop device.
    await this.#holder.kill();
    await Deno.remove(this.#temporary, { recursive: true });
  }

  async #inside(...command: string[]): Promise<void> {
    const [launcher = "", ...args] = [...this.launcher, ...command];
    await run(launcher, args);
  }
}

/**
 * Tries whether there can be such a disk here.
 *
 * @returns Why not, in a line; `undefined` if there can.
 */
export async function diskImpossible(): Promise<string | undefined> {
  try {
    await using disk = await Disk.create();
    disk.losePower();
    await disk.hasPower();
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `needs Linux, root, ext4 and a loop device: ${said.replace(/\s*\n\s*/g, " ").trim()}`;
  }
}

/** Shuts down the file system that a folder is on. */
function shutDown(folder: string): void {
  const libc = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { open, ioctl, close } = libc.symbols;
  try {
    const descriptor = open(new TextEncoder().encode(`${folder}\0`), O_RDONLY);
    if (descriptor < 0) throw new Error(`Cannot open ${folder}`);
    const refused = ioctl(descriptor, SHUTDOWN, WITHOUT_JOURNAL) !== 0;
    close(descriptor);
    if (refused) throw new Error("The kernel does not shut down a file system here");
  } finally {
    libc.close();
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess(command, args);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.trim()}`);
}
