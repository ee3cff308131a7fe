import { type Adapter, Low } from "lowdb";
import type { OpenStateFile } from "../../src/platform/state_file.ts";
import { files } from "./files.ts";

type Content = Readonly<Record<string, unknown>>;

/** Opens a state file by lowdb, on an adapter that syncs: lowdb's own renames without it, and a power cut leaves nothing. */
export const openStateFile: OpenStateFile = async (path) => {
  const low = new Low<Content>(new DurableJson(path), {});
  await low.read();
  let isThere = Object.keys(low.data).length > 0;
  let writing: Promise<void> = Promise.resolve();
  return {
    get content(): unknown {
      return isThere ? low.data : undefined;
    },
    write: (content) => {
      low.data = content;
      isThere = true;
      // What failed is its own caller's to know.
      writing = writing.catch(() => undefined).then(() => low.write());
      return writing;
    },
  };
};

class DurableJson implements Adapter<Content> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<Content | null> {
    const bytes = await files.read(this.#path);
    if (bytes === undefined) return null;
    const content: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof content !== "object" || content === null) throw new SyntaxError(`${this.#path} holds no JSON object`);
    return { ...content };
  }

  async write(content: Content): Promise<void> {
    const text = `${JSON.stringify(content, undefined, 2)}\n`;
    await files.writeAtomic(this.#path, new TextEncoder().encode(text), { mode: 0o600 });
  }
}
