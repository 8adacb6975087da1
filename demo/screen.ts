/** Writes what the user reads; coloured if it is on a terminal. */
export interface Screen {
  /** A line as it is. */
  line(text?: string): void;
  /** A line about what is being done. */
  step(text: string): void;
  /** One of the programs that run: its name, where it is, a remark. */
  part(name: string, where: string, remark?: string): void;
  /** A command as the user would type it. */
  command(text: string, remark?: string): void;
  /** Something to open in a browser. */
  link(url: string, remark: string): void;
  /** A heading. */
  heading(text: string): void;
}

/**
 * Makes a screen.
 *
 * @param write Receives the lines.
 * @param colour Whether to use colours.
 */
export function createScreen(write: (line: string) => void, colour: boolean): Screen {
  const paint = (code: number) => (text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const [bold, dim, cyan] = [paint(1), paint(2), paint(36)];
  return {
    line: (text = "") => write(text),
    step: (text) => write(dim(text)),
    part: (name, where, remark = "") =>
      write(`  ${name.padEnd(18)} ${cyan(where.padEnd(24))} ${dim(remark)}`.trimEnd()),
    command: (text, remark) => write(`  ${bold(text)}${remark ? `  ${dim(`# ${remark}`)}` : ""}`),
    link: (url, remark) => write(`  ${cyan(url)}  ${dim(`# ${remark}`)}`),
    heading: (text) => write(bold(text)),
  };
}
