// Colours and cursor (CSI), titles and links (OSC), other strings (DCS, SOS, PM, APC), the rest.
const ESCAPE_CODE =
  // deno-lint-ignore no-control-regex
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-OQ-WYZ\\`-~])/g;

/**
 * A text without what tells a terminal about colours, titles and the cursor. A code that does not
 * end stays.
 */
export function withoutEscapeCodes(text: string): string {
  return text.replace(ESCAPE_CODE, "");
}
