import { until } from "../../tests/support/mod.ts";

/** A folder in which scripts write down process ids: `echo $$ >"$PIDS/name"`. */
export class ToldPids implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync();

  /** The environment for such scripts. */
  get env(): Record<string, string> {
    return { PATH: Deno.env.get("PATH") ?? "", PIDS: this.folder };
  }

  /** Waits until a process has written its id. */
  async pid(name: string): Promise<number> {
    const read = () => Deno.readTextFile(`${this.folder}/${name}`).catch(() => "");
    const text = await until(async () => {
      const told = await read();
      return told.endsWith("\n") && told;
    }, { message: `the process id ${name}` });
    return Number(text);
  }

  /** Kills what a failed test may have left, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for await (const { name } of Deno.readDir(this.folder)) {
      const pid = Number(await Deno.readTextFile(`${this.folder}/${name}`).catch(() => ""));
      if (!(pid > 1)) continue;
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}
