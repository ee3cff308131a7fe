import type { FileSystem } from "../../src/platform/files.ts";

/** Files by path that can be read and watched, but never change. */
export function fakeFiles(contents: Readonly<Record<string, string>>): FileSystem {
  const refuse = () => Promise.reject(new Error("The test writes no files"));
  return {
    read: (path) => {
      const content = contents[path];
      return Promise.resolve(content === undefined ? undefined : new TextEncoder().encode(content));
    },
    writeAtomic: refuse,
    remove: refuse,
    watch: () => undefined,
  };
}
