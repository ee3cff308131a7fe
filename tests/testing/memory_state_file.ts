import type { FileSystem } from "../../src/platform/files.ts";
import type { OpenStateFile } from "../../src/platform/state_file.ts";

/** A state file that is as long as this is. */
export function memoryStateFile(): { readonly openStateFile: OpenStateFile; readonly files: FileSystem } {
  let content: Readonly<Record<string, unknown>> | undefined;
  return {
    openStateFile: () =>
      Promise.resolve({
        get content() {
          return content;
        },
        write: (written) => {
          content = JSON.parse(JSON.stringify(written)) as Readonly<Record<string, unknown>>; // as a file would have it
          return Promise.resolve();
        },
      }),
    files: {
      read: () => Promise.resolve(undefined),
      writeAtomic: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      watch: () => undefined,
    },
  };
}
