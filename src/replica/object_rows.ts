import type { ObjectMeta } from "../kube/object_meta.ts";
import type { ResourceType } from "../kube/field_labels.ts";
import type { ObjectPath } from "./object_path.ts";
import type { RowBatch } from "./row_batch.ts";

/** One version of an object: what is asked of it most, and the row with its bytes. */
export interface HeldObject {
  readonly meta: ObjectMeta;
  readonly row: string;
  /** Of its bytes. */
  readonly length: number;
}

/** Ends the keeping of rows that were released meanwhile. */
export interface RowSnapshot {
  release(): void;
}

export const objectPrefix = "o|";

interface Counted {
  readonly length: number;
  holders: number;
  /** When the last holder let go: an earlier release of the same row means nothing any more. */
  releasedTurn: number;
}

interface Hot {
  readonly bytes: Uint8Array;
  /** Since room was needed last. */
  used: boolean;
}

/**
 * The bytes of all objects, each version once, whichever collections, logs and records hold it (design, section 4): counted
 * by holder, hot ones in a bounded memory cache, all of them in the store.
 */
export class ObjectRows {
  readonly #batch: RowBatch;
  readonly #memoryMaxBytes: number;
  readonly #counted = new Map<string, Counted>();
  /** Hot bytes, in the order in which they came, or were found used when room was needed. */
  readonly #hot = new Map<string, Hot>();
  readonly #snapshots = new Set<number>();
  readonly #released: { readonly row: string; readonly turn: number }[] = [];
  #turn = 0;
  #hotBytes = 0;
  #bytes = 0;

  constructor(batch: RowBatch, memoryMaxBytes: number) {
    this.#batch = batch;
    this.#memoryMaxBytes = memoryMaxBytes;
  }

  /** Bytes of all rows, before sealing. */
  get bytes(): number {
    return this.#bytes;
  }
  get hotBytes(): number {
    return this.#hotBytes;
  }
  get size(): number {
    return this.#counted.size;
  }
  /** Whether a snapshot is being read. */
  get isRead(): boolean {
    return this.#snapshots.size > 0;
  }

  /** Those that something holds, or a snapshot may still read. */
  rows(): Iterable<string> {
    return this.#counted.keys();
  }

  /** Takes an object in for one holder. The same version of the same bytes is kept once. */
  add(path: ObjectPath, object: { readonly meta: ObjectMeta; readonly bytes: Uint8Array }): HeldObject {
    const { meta, bytes } = object;
    const row = rowOf(path, meta, bytes);
    const held = { meta, row, length: bytes.length };
    const counted = this.#counted.get(row);
    if (counted === undefined) {
      this.#counted.set(row, { length: bytes.length, holders: 1, releasedTurn: 0 });
      this.#bytes += bytes.length;
      this.#batch.set(row, bytes);
    } else if (counted.holders++ === 0) {
      this.#batch.set(row, bytes);
    }
    this.#heat(row, bytes);
    return held;
  }

  /** One more holder of an object that is held, or was found in the store at start. */
  retain(held: HeldObject): HeldObject {
    const counted = this.#counted.get(held.row);
    if (counted === undefined) {
      this.#counted.set(held.row, { length: held.length, holders: 1, releasedTurn: 0 });
      this.#bytes += held.length;
    } else {
      counted.holders += 1;
    }
    return held;
  }

  /** One holder less; the bytes of an object without any go once no snapshot from before is being read. */
  release(held: HeldObject): void {
    const counted = this.#counted.get(held.row);
    if (counted === undefined || --counted.holders > 0) return;
    if (this.#snapshots.size === 0) return this.#remove(held.row);
    counted.releasedTurn = this.#turn;
    this.#released.push({ row: held.row, turn: this.#turn });
  }

  /** Keeps all bytes that are held now readable until it is released. */
  snapshot(): RowSnapshot {
    const turn = ++this.#turn;
    this.#snapshots.add(turn);
    return {
      release: () => {
        this.#snapshots.delete(turn);
        this.#sweep();
      },
    };
  }

  /**
   * The bytes of a held object: at once where they are in memory.
   *
   * @throws StoreError where the row does not open
   */
  read(held: HeldObject): Uint8Array | Promise<Uint8Array> {
    const hot = this.#hot.get(held.row);
    if (hot !== undefined) {
      hot.used = true;
      return hot.bytes;
    }
    const waiting = this.#batch.waiting(held.row);
    return waiting instanceof Uint8Array ? waiting : this.#load(held.row);
  }

  /** Whether something holds the row: at start, what nothing holds is left over. */
  holds(row: string): boolean {
    return this.#counted.has(row);
  }

  async #load(row: string): Promise<Uint8Array> {
    const bytes = await this.#batch.get(row);
    if (bytes === undefined) throw new MissingRowError(row);
    if (this.#counted.has(row)) this.#heat(row, bytes);
    return bytes;
  }

  #heat(row: string, bytes: Uint8Array): void {
    this.#cool(row);
    this.#hot.set(row, { bytes, used: false });
    this.#hotBytes += bytes.length;
    // Who was used since room was needed last, or has just come, has a second chance: to note that costs a read nothing.
    for (const [coldest, hot] of this.#hot) {
      if (this.#hotBytes <= this.#memoryMaxBytes) break;
      this.#hot.delete(coldest);
      const stays = hot.used || (coldest === row && bytes.length <= this.#memoryMaxBytes);
      if (stays) this.#hot.set(coldest, { bytes: hot.bytes, used: false });
      else this.#hotBytes -= hot.bytes.length;
    }
  }

  #cool(row: string): void {
    const hot = this.#hot.get(row);
    if (hot === undefined) return;
    this.#hotBytes -= hot.bytes.length;
    this.#hot.delete(row);
  }

  #sweep(): void {
    const oldest = Math.min(...this.#snapshots);
    while (this.#released[0] !== undefined && this.#released[0].turn < oldest) {
      const { row, turn } = this.#released.shift() ?? { row: "", turn: 0 };
      const counted = this.#counted.get(row);
      if (counted?.holders === 0 && counted.releasedTurn === turn) this.#remove(row);
    }
  }

  #remove(row: string): void {
    const counted = this.#counted.get(row);
    this.#bytes -= counted?.length ?? 0;
    this.#counted.delete(row);
    this.#cool(row);
    this.#batch.set(row, undefined);
  }
}

/** The store has lost a row that is held. */
export class MissingRowError extends Error {
  override readonly name = "MissingRowError";
  readonly row: string;

  constructor(row: string) {
    super(`Cannot read ${row}: it is not in the store`);
    this.row = row;
  }
}

/**
 * Names one version of an object by its content too: a restored etcd gives a version a second time, to other bytes.
 */
export function rowOf(type: ResourceType, meta: ObjectMeta, bytes: Uint8Array): string {
  const { group, version, resource } = type;
  return `${objectPrefix}${group}/${version}/${resource}|${meta.namespace}|${meta.name}|${meta.resourceVersion}|${
    digest(bytes)
  }`;
}

/** FNV-1a, twice with different bases: tells versions apart, protects from nothing. */
function digest(bytes: Uint8Array): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}
