import type { ProcessPort } from "../platform/platform.ts";

/** Text that is written before the reader is waited for. */
const aheadLength = 256 * 1024;

/** Standard output for more text than a slow reader may leave waiting: nothing of it is dropped. */
export interface CacheOutput {
  write(text: string): Promise<void>;
  /** Resolves once the reader has all. */
  end(): Promise<void>;
}

export function createCacheOutput({ stdout }: Pick<ProcessPort, "stdout">): CacheOutput {
  let ahead = 0;
  return {
    async write(text): Promise<void> {
      stdout.write(text);
      ahead += text.length;
      if (ahead < aheadLength) return;
      ahead = 0;
      await stdout.drained();
    },
    end: () => stdout.drained(),
  };
}

/** Columns as kubectl prints them: as wide as their widest cell, three spaces between. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows.map((row) => row.map(printable))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ").trimEnd())
    .map((line) => `${line}\n`).join("");
}

/** Without what would move a terminal's cursor. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `1 record`, `2 records`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
