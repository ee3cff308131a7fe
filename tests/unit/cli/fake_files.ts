import type { FileSystem } from "../../../src/platform/files.ts";

/** Files that can only be read. */
export function fakeFiles(contents: Readonly<Record<string, string>>): FileSystem {
  const refuse = (): never => {
    throw new Error("The test writes no files");
  };
  return {
    read: (path) => {
      const content = contents[path];
      return Promise.resolve(content === undefined ? undefined : new TextEncoder().encode(content));
    },
    writeAtomic: refuse,
    remove: refuse,
    watch: refuse,
  };
}
