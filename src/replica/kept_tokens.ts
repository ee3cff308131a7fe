import { z } from "zod";
import type { TokenQuestion } from "../kube/token_request.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type Store, StoreError } from "../platform/store.ts";
import { readRows } from "./collection_rows.ts";
import { RowBatch } from "./row_batch.ts";

export interface KeptTokensOptions {
  /** Seals what it keeps; a commit survives power loss (R14). */
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a token is given out after its own end. */
  readonly graceMs: number;
}

/** An answer with a token, as the API server gave it. */
export interface KeptToken {
  /** As JSON. */
  readonly answer: Uint8Array;
  /** The token's own end, and when it was answered, in milliseconds since 1970. */
  readonly expiresAt: number;
  readonly savedAt: number;
}

/** A pod that a token is bound to. */
export interface BoundPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What of a token is in memory. */
interface Known {
  readonly expiresAt: number;
  readonly pod: BoundPod | undefined;
}

const tokenPrefix = "t|";
/** Tokens at most: a node has some hundreds of pods, with a token for one or two audiences each. */
export const maxKeptTokens = 1_000;
/** A longer question, or answer, is not kept. */
const maxQuestionLength = 4_096;
const maxAnswerBytes = 64 * 1024;

const headSchema = z.object({
  expiresAt: z.number(),
  savedAt: z.number(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }).exactOptional(),
});

/**
 * Real tokens of service accounts, sealed in the store, so that who asked for one while the cloud was in reach gets it again
 * when it is not. Of each question the last answer is kept: until it has expired, the pod that it is bound to is gone, or
 * others need its room. Tokens themselves are never in memory for long.
 */
export class KeptTokens {
  readonly #options: KeptTokensOptions;
  readonly #batch: RowBatch;
  /** By row, the one that was kept first in front. */
  readonly #known = new Map<string, Known>();
  #dropped = 0;

  constructor(options: KeptTokensOptions) {
    this.#options = options;
    this.#batch = new RowBatch(options);
  }

  get size(): number {
    return this.#known.size;
  }
  /** How many had to go for want of room. */
  get dropped(): number {
    return this.#dropped;
  }
  /** Why the last commit failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#batch.failure;
  }

  /** Takes back what the store holds. Before anything is answered. @throws StoreError */
  async restore(): Promise<void> {
    const { rows, corrupt } = await readRows(this.#options, tokenPrefix);
    for (const row of corrupt) this.#batch.set(row, undefined);
    const read = rows.map(([row, value]) => ({ row, head: decode(value)?.head }));
    read.sort((a, b) => (a.head?.savedAt ?? 0) - (b.head?.savedAt ?? 0));
    for (const { row, head } of read) {
      if (head === undefined) this.#batch.set(row, undefined);
      else this.#known.set(row, { expiresAt: head.expiresAt, pod: head.pod });
    }
    this.dropExpired();
    this.#bound();
  }

  /**
   * Keeps the answer of a question, in place of an earlier one.
   *
   * @returns once it is durable; where that fails it is kept in memory, and tried again
   */
  async put(question: TokenQuestion, token: KeptToken): Promise<void> {
    const row = rowOf(question);
    if (row.length > maxQuestionLength || token.answer.length > maxAnswerBytes || this.#isExpired(token)) return;
    const pod = podOf(question);
    this.#batch.set(row, encode(token, pod));
    this.#known.delete(row);
    this.#known.set(row, { expiresAt: token.expiresAt, pod });
    this.#bound();
    await this.#batch.flush();
  }

  /** The last answer of a question; nothing where none is held that still counts. */
  async get(question: TokenQuestion): Promise<KeptToken | undefined> {
    const row = rowOf(question);
    const known = this.#known.get(row);
    if (known === undefined || this.#isExpired(known)) return undefined;
    try {
      const value = await this.#batch.get(row);
      const read = value === undefined ? undefined : decode(value);
      if (read !== undefined) {
        const { head: { expiresAt, savedAt }, answer } = read;
        return { answer, expiresAt, savedAt };
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#options.logger.log("error", "A token cannot be read from the store: it is dropped", {
        error: error.message,
      });
    }
    this.#drop(row);
    return undefined;
  }

  dropExpired(): void {
    for (const [row, known] of this.#known) if (this.#isExpired(known)) this.#drop(row);
  }

  /** Lets go of the tokens of pods that are gone: nothing takes them any more. */
  dropOf(isGone: (pod: BoundPod) => boolean): void {
    for (const [row, { pod }] of this.#known) if (pod !== undefined && isGone(pod)) this.#drop(row);
  }

  /** Commits what is pending. */
  async close(): Promise<void> {
    await this.#batch.close();
  }

  #isExpired({ expiresAt }: Pick<Known, "expiresAt">): boolean {
    return this.#options.clock.now() >= expiresAt + this.#options.graceMs;
  }

  #bound(): void {
    for (const row of this.#known.keys()) {
      if (this.size <= maxKeptTokens) return;
      this.#drop(row);
      this.#dropped += 1;
      this.#options.logger.log("warn", "A token is dropped for want of room", { tokens: this.size });
    }
  }

  #drop(row: string): void {
    this.#known.delete(row);
    this.#batch.set(row, undefined);
  }
}

function rowOf(question: TokenQuestion): string {
  const { namespace, serviceAccount, audiences, expirationSeconds, boundTo } = question;
  const bound = boundTo === undefined ? [] : [boundTo.kind, boundTo.apiVersion, boundTo.name, boundTo.uid];
  return tokenPrefix + JSON.stringify([namespace, serviceAccount, audiences, expirationSeconds, ...bound]);
}

function podOf({ namespace, boundTo }: TokenQuestion): BoundPod | undefined {
  if (boundTo?.kind !== "Pod") return undefined;
  return { namespace, name: boundTo.name, uid: boundTo.uid };
}

/** A line of JSON, then the answer. */
function encode({ answer, expiresAt, savedAt }: KeptToken, pod: BoundPod | undefined): Uint8Array {
  const head = JSON.stringify({ expiresAt, savedAt, ...(pod === undefined ? {} : { pod }) });
  const line = new TextEncoder().encode(`${head}\n`);
  const row = new Uint8Array(line.length + answer.length);
  row.set(line);
  row.set(answer, line.length);
  return row;
}

function decode(row: Uint8Array) {
  const end = row.indexOf(10);
  const head = headSchema.safeParse(parse(row.subarray(0, Math.max(0, end)))).data;
  return head === undefined ? undefined : { head, answer: row.slice(end + 1) };
}

function parse(head: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(head));
  } catch {
    return undefined; // no schema takes it
  }
}
