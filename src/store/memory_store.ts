import { type Store, type StoreBatch, StoreError } from "../platform/store.ts";

/** Makes a store that keeps its rows in memory, for tests and for a hub without a disk. It ends with the process. */
export function createMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #rows = new Map<string, Uint8Array>();
  #closed = false;

  // deno-lint-ignore require-await
  async get(key: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    return copy(this.#rows.get(key));
  }

  async *list(prefix: string): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    this.#checkOpen();
    for (const key of this.#keys(prefix)) {
      this.#checkOpen();
      const value = copy(this.#rows.get(key));
      if (value !== undefined) yield [key, value];
    }
  }

  // deno-lint-ignore require-await
  async *keys(prefix: string): AsyncGenerator<string> {
    this.#checkOpen();
    yield* this.#keys(prefix);
  }

  // deno-lint-ignore require-await
  async commit(batch: StoreBatch): Promise<void> {
    this.#checkOpen();
    for (const prefix of batch.removePrefix ?? []) this.#removePrefix(prefix);
    for (const key of batch.remove ?? []) this.#rows.delete(key);
    for (const [key, value] of batch.put ?? []) this.#rows.set(key, value.slice());
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#closed = true;
    this.#rows.clear();
  }

  #keys(prefix: string): string[] {
    return [...this.#rows.keys()].filter((key) => key.startsWith(prefix)).sort(compareByCodePoint);
  }

  #removePrefix(prefix: string): void {
    for (const key of this.#rows.keys()) {
      if (key.startsWith(prefix)) this.#rows.delete(key);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError("closed", "Cannot use the store: it is closed");
  }
}

function copy(value: Uint8Array | undefined): Uint8Array | undefined {
  return value?.slice();
}

/** The order of UTF-8 bytes is that of code points; JavaScript's own is that of UTF-16 units, where U+10000 is below U+E000. */
function compareByCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a.charCodeAt(index) === b.charCodeAt(index)) continue;
    return rank(a.charCodeAt(index)) - rank(b.charCodeAt(index));
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for U+10000 and above, behind all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
