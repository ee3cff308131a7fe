/** Bytes that may wait for a slow reader of standard output or standard error; what comes on top is dropped and counted. */
export const STANDARD_OUTPUT_BYTES_MAX: number = 4 * 1024 * 1024;

export interface TextOutput {
  write(text: string): void;
  /** Resolves once the reader has all that was written, or has gone away. */
  drained(): Promise<void>;
}

/** What is needed of a stream of the runtime. */
export type TextStream = Pick<NodeJS.WriteStream, "on" | "write" | "writableLength">;

/** Writes to a standard stream with bounded memory. A reader that has gone away ends nothing. */
export function createTextOutput(stream: TextStream): TextOutput {
  let dropped = 0;
  // Whoever reads our output may end first (EPIPE); without a listener that would end the process.
  stream.on("error", () => undefined);
  return {
    write(text: string): void {
      if (stream.writableLength > STANDARD_OUTPUT_BYTES_MAX) {
        dropped++;
        return;
      }
      if (dropped > 0) {
        stream.write(`${dropped} writes were dropped: the reader is too slow\n`);
        dropped = 0;
      }
      stream.write(text);
    },
    drained: () => new Promise((resolve) => void stream.write("", () => resolve())),
  };
}
