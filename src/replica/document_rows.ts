import { z } from "zod";
import type { RawHeaders } from "../platform/bytes.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";
import { CorruptRowsError } from "../store/sealed_store.ts";
import type { RowBatch } from "./row_batch.ts";

/** A copy of a discovery document: what is kept of its head, and its body, encoded as it came. */
export interface StoredDocument {
  readonly rawHeaders: RawHeaders;
  readonly body: Uint8Array;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

export interface DocumentRowsOptions {
  readonly store: Store;
  readonly batch: RowBatch;
  readonly logger: Logger;
}

/** Copies at most: a question is the client's own words, so that there is no end of them. */
export const maxDocuments = 1_000;
/** Bytes of all copies with their questions, before sealing. */
export const maxDocumentsBytes: number = 64 * 1024 * 1024;

export const documentPrefix = "d|";

const headSchema = z.object({ savedAt: z.number(), rawHeaders: z.array(z.string()) });

/**
 * Documents in the store, `d|<question>` each: one line of JSON, then the body. They are never in memory for long. Past
 * their bounds the least recently used go; over a restart the order is that of their times.
 */
export class DocumentRows {
  readonly #options: DocumentRowsOptions;
  /** Bytes by question, least recently used first. */
  readonly #kept = new Map<string, number>();
  #bytes = 0;
  #dropped = 0;

  constructor(options: DocumentRowsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** How many had to go for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes back which documents the store holds. One that does not open is dropped. @throws StoreError */
  async restore(): Promise<void> {
    const found: { readonly question: string; readonly bytes: number; readonly savedAt: number }[] = [];
    const unreadable: string[] = [];
    try {
      for await (const [row, value] of this.#options.store.list(documentPrefix)) {
        const savedAt = decodeDocument(value)?.savedAt;
        const question = row.slice(documentPrefix.length);
        if (savedAt === undefined) unreadable.push(row);
        else found.push({ question, bytes: question.length + value.length, savedAt });
      }
    } catch (error) {
      if (!(error instanceof CorruptRowsError)) throw error;
      unreadable.push(...error.keys);
      this.#options.logger.log("error", "Copies of documents cannot be read: they are dropped", {
        rows: error.keys.length,
      });
    }
    for (const row of unreadable) this.#options.batch.set(row, undefined);
    found.sort((a, b) => a.savedAt - b.savedAt);
    for (const { question, bytes } of found) this.#use(question, bytes);
    this.#bound();
  }

  save(question: string, { rawHeaders, body, savedAt }: StoredDocument): void {
    const head = new TextEncoder().encode(`${JSON.stringify({ savedAt, rawHeaders })}\n`);
    const row = new Uint8Array(head.length + body.length);
    row.set(head);
    row.set(body, head.length);
    this.#options.batch.set(documentPrefix + question, row);
    this.#use(question, question.length + row.length);
    this.#bound();
  }

  /** @throws StoreError where its row does not open: it is dropped then */
  async load(question: string): Promise<StoredDocument | undefined> {
    const bytes = this.#kept.get(question);
    if (bytes === undefined) return undefined;
    this.#use(question, bytes);
    try {
      const row = await this.#options.batch.get(documentPrefix + question);
      const document = row === undefined ? undefined : decodeDocument(row);
      if (document === undefined) this.#drop(question);
      return document;
    } catch (error) {
      this.#drop(question);
      throw error;
    }
  }

  /** Lets go of one. */
  remove(question: string): void {
    if (this.#kept.has(question)) this.#drop(question);
  }

  /** Lets go of all. @returns how many there were */
  clear(): number {
    const count = this.size;
    for (const question of [...this.#kept.keys()]) this.#drop(question);
    return count;
  }

  #use(question: string, bytes: number): void {
    this.#bytes += bytes - (this.#kept.get(question) ?? 0);
    this.#kept.delete(question);
    this.#kept.set(question, bytes);
  }

  #bound(): void {
    for (const question of this.#kept.keys()) {
      if (this.size <= maxDocuments && this.#bytes <= maxDocumentsBytes) return;
      this.#drop(question);
      this.#dropped += 1;
      this.#options.logger.log("warn", "A copy of a document is dropped for want of room", {
        path: question.split(" ")[0],
        documents: this.size,
        bytes: this.#bytes,
      });
    }
  }

  #drop(question: string): void {
    this.#bytes -= this.#kept.get(question) ?? 0;
    this.#kept.delete(question);
    this.#options.batch.set(documentPrefix + question, undefined);
  }
}

/** @returns nothing where the value is no document */
export function decodeDocument(row: Uint8Array): StoredDocument | undefined {
  const end = row.indexOf(10);
  const head = headSchema.safeParse(parse(row.subarray(0, Math.max(0, end)))).data;
  return head === undefined ? undefined : { ...head, body: row.subarray(end + 1) };
}

function parse(head: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(head));
  } catch {
    return undefined; // no schema takes it
  }
}
