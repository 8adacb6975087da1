/**
 * Says whether a process is there and has not ended; one that has ended but whose parent has not
 * asked for its exit code yet does not count.
 *
 * @param pid The process.
 */
export async function isRunning(pid: number): Promise<boolean> {
  const state = Deno.build.os === "linux" ? await linuxState(pid) : await psState(pid);
  return state !== "" && !state.startsWith("Z");
}

async function linuxState(pid: number): Promise<string> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    // The name, in parentheses, may hold anything, parentheses too.
    return text.slice(text.lastIndexOf(")") + 2);
  } catch {
    return "";
  }
}

async function psState(pid: number): Promise<string> {
  const command = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] });
  return new TextDecoder().decode((await command.output()).stdout).trim();
}
