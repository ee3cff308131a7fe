import type { FileSystem } from "../../src/platform/files.ts";

/** Files in memory, with their modes. */
export interface MemoryFiles extends FileSystem {
  readonly contents: Map<string, { readonly text: string; readonly mode: number }>;
}

export function createMemoryFiles(): MemoryFiles {
  const contents = new Map<string, { readonly text: string; readonly mode: number }>();
  return {
    contents,
    read: (path) => {
      const file = contents.get(path);
      return Promise.resolve(file === undefined ? undefined : new TextEncoder().encode(file.text));
    },
    writeAtomic: (path, content, { mode }) => {
      contents.set(path, { text: new TextDecoder().decode(content), mode });
      return Promise.resolve();
    },
    remove: (path) => {
      contents.delete(path);
      return Promise.resolve();
    },
    watch: () => undefined,
  };
}
