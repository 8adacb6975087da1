/**
 * How much memory a process has resident.
 *
 * @param pid The process.
 * @returns Bytes.
 * @throws {Error} If it cannot be told: there is no such process, or no `ps`.
 */
export async function residentBytes(pid: number): Promise<number> {
  if (Deno.build.os === "linux") {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) * 1_024;
  }
  const command = new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] });
  const kilobytes = Number(new TextDecoder().decode((await command.output()).stdout).trim());
  if (!(kilobytes > 0)) throw new Error(`Cannot tell the memory of process ${pid}`);
  return kilobytes * 1_024;
}
