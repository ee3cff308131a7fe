import { z } from "zod";
import type { RawHeaders } from "../platform/bytes.ts";
import type { RowBatch } from "./row_batch.ts";

/** A copy of a discovery document: what is kept of its head, and its body, encoded as it came. */
export interface StoredDocument {
  readonly rawHeaders: RawHeaders;
  readonly body: Uint8Array;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

const headSchema = z.object({ savedAt: z.number(), rawHeaders: z.array(z.string()) });

/** Documents in the store, `d|<question>` each: one line of JSON, then the body. They are never in memory for long. */
export class DocumentRows {
  readonly #batch: RowBatch;

  constructor(batch: RowBatch) {
    this.#batch = batch;
  }

  save(question: string, { rawHeaders, body, savedAt }: StoredDocument): void {
    const head = new TextEncoder().encode(`${JSON.stringify({ savedAt, rawHeaders })}\n`);
    const row = new Uint8Array(head.length + body.length);
    row.set(head);
    row.set(body, head.length);
    this.#batch.set(`d|${question}`, row);
  }

  /** @throws StoreError where its row does not open */
  async load(question: string): Promise<StoredDocument | undefined> {
    const row = await this.#batch.get(`d|${question}`);
    if (row === undefined) return undefined;
    const end = row.indexOf(10);
    const head = headSchema.parse(JSON.parse(new TextDecoder().decode(row.subarray(0, end))));
    return { ...head, body: row.subarray(end + 1) };
  }
}
