const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes to read: `0 B`, `812 B`, `4.5 MiB`, `120 MiB`. */
export function byteWords(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  while (amount >= 1023.5 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}
