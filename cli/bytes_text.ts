/** `512 bytes`, `1.5 KB`, `3 MB`, `2.1 GB`; units count in powers of 1024. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, "bytes"];
  for (const next of ["KB", "MB", "GB", "TB"]) {
    if (value < 1024) break;
    [value, unit] = [value / 1024, next];
  }
  return `${Number(value.toFixed(1))} ${unit}`;
}
