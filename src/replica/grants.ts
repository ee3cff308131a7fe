import type { Link } from "../cloud/link.ts";
import type { ServiceAccountToken } from "../identity/service_account_token.ts";
import type { Caller } from "../identity/caller.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../platform/store.ts";
import { type Access, accessForbidden, accessKey } from "./access.ts";
import type { CallerTokens } from "./caller_tokens.ts";
import { type Grant, KeptGrants } from "./kept_grants.ts";

/** What the cloud said to a review: `unknown` where it did not decide, `unauthorized` where it does not take the token. */
export type Review = "allowed" | "denied" | "unauthorized" | "unknown";

export interface GrantsOptions {
  /** Seals what it keeps; a commit survives power loss (R14). */
  readonly store: Store;
  readonly clock: Clock;
  readonly link: Pick<Link, "state" | "onChange">;
  readonly logger: Logger;
  /** Asks the cloud with the caller's own token. Never rejects. */
  readonly review: (token: string, access: Access) => Promise<Review>;
  /** Those of callers; told of each. */
  readonly tokens: CallerTokens;
  /** Told of each grant that has ended. */
  readonly ended?: (scopeId: string, access: Access) => void;
  /** How long who was granted before waits for a review. */
  readonly reviewTimeoutMs: number;
}

/** How a running watch of a caller ends: with the cloud's refusal, or cleanly, so that it comes back with a fresh token. */
export type GrantEnd = ReturnType<typeof accessForbidden> | "clean";

/** How long a grant counts without another review, while the cloud is in reach. */
const goodMs = 5 * 60_000;
/** How long the cloud must have refused, and nothing else, until a grant ends (R16). */
const deniedMs = 60_000;
/** How long new requests go on by a grant that the cloud, though in reach, does not decide on: it may be revoked. */
const undecidedMs = goodMs + deniedMs;
/** And watches that run: as long as the API server itself lets one go on, without a look at rights. */
const undecidedWatchMs = 60 * 60_000;
/** A refusal is kept for the first, doubling to the second. */
const refusalMs = { first: 1_000, most: 30_000 };
/** How often is looked for grants that have to be renewed. */
const sweepMs = 10_000;
const maxRefusals = 1_000;

interface Reader {
  readonly access: Access;
  readonly scopeId: string;
  readonly ended: (end: GrantEnd) => void;
}

interface Refused {
  readonly until: number;
  readonly keptMs: number;
}

/**
 * What the cloud lets each caller read, as it said to a review in that caller's own name (design, section 4). While the cloud is
 * out of reach the last grant holds. What the cloud takes back ends after a minute of nothing but refusals, with the watches
 * that go on by it.
 */
export class Grants {
  readonly #options: GrantsOptions;
  /** By scope and access. */
  readonly #grants: KeptGrants;
  readonly #refusals = new Map<string, Refused>();
  readonly #reviewing = new Map<string, Promise<Review>>();
  readonly #readers = new Map<string, Set<Reader>>();
  readonly #stop: () => void;
  #timer: Timer | undefined;
  /** When the cloud came back into reach last: before that nobody could be asked. Monotonic milliseconds. */
  #askedFrom = -Infinity;
  #isCut = false;
  #closed = false;

  constructor(options: GrantsOptions) {
    this.#options = options;
    this.#grants = new KeptGrants(options);
    this.#stop = options.link.onChange(() => this.#interrupted());
  }

  get size(): number {
    return this.#grants.size;
  }
  /** How many had to go for want of room. */
  get dropped(): number {
    return this.#grants.dropped;
  }
  /** Why the last commit failed; undefined where it did not. */
  get failure(): string | undefined {
    return this.#grants.failure;
  }

  /** Takes back what the store holds. Before anything is answered. @throws StoreError */
  async restore(): Promise<void> {
    await this.#grants.restore();
    this.#schedule();
  }

  /** Whether the last word of the cloud was that a caller may read it. */
  isHeld(caller: Caller, access: Access): boolean {
    return this.#grants.get(keyOf(caller.scope.id, access)) !== undefined;
  }

  /** Whether a caller may read it without another word of the cloud: of one that is in reach the last one counts for a time. */
  holds(caller: Caller, access: Access): boolean {
    const grant = this.#grants.get(keyOf(caller.scope.id, access));
    return grant !== undefined && grant.deniedSince === undefined && this.#counts(grant);
  }

  /**
   * Whether a caller may read it now: the cloud is asked where that was not done lately.
   *
   * @returns false where the cloud must answer the request itself
   */
  async check(caller: Caller, access: Access): Promise<boolean> {
    const { clock, link } = this.#options;
    const { token } = caller;
    if (token === undefined) return false;
    this.#options.tokens.seen(caller.scope.id, token);
    const key = keyOf(caller.scope.id, access);
    const grant = this.#grants.get(key);
    if (link.state === "offline") return grant !== undefined;
    if (grant !== undefined && grant.deniedSince === undefined && this.#isGood(grant)) {
      await this.#grants.saved(key); // the cloud's own answer has granted it a moment ago
      return true;
    }
    if (grant === undefined && clock.monotonic() < (this.#refusals.get(key)?.until ?? 0)) return false;
    const reviewing = this.#review(key, { scopeId: caller.scope.id, access, token });
    const review = grant === undefined ? await reviewing : await this.#inTime(reviewing);
    if (review === "allowed") return true;
    // What was granted ends by refusals alone, and not by a cloud that does not decide.
    const held = this.#grants.get(key);
    return review === "unknown" && held !== undefined && held.deniedSince === undefined && this.#counts(held);
  }

  /** Waits until what a caller was granted a moment ago is durable (R14). */
  async saved(caller: Caller, access: Access): Promise<void> {
    await this.#grants.saved(keyOf(caller.scope.id, access));
  }

  /** Keys of the queries of which anybody was granted anything. */
  grantedQueries(): ReadonlySet<string> {
    // Scopes are escaped in keys, and so is all of an access: see `accessKey`.
    return new Set([...this.#grants.entries()].map(([key]) => key.split("|")[2] ?? ""));
  }

  /** A request in a caller's own name was answered: the cloud's answer is the grant. */
  granted(caller: Caller, access: Access): void {
    if (caller.token === undefined) return;
    this.#options.tokens.seen(caller.scope.id, caller.token);
    const key = keyOf(caller.scope.id, access);
    const grant = this.#grants.get(key);
    if (grant === undefined || grant.deniedSince !== undefined || !this.#isFresh(grant)) this.#grant(key);
  }

  /** A request in a caller's own name was refused: whether what it was granted of that query still holds is asked at once. */
  doubt({ scope, token }: Caller, asked: Access): void {
    if (token === undefined) return;
    for (const verb of asked.verb === "get" ? ["get"] as const : ["list", "watch"] as const) {
      const access = { ...asked, verb };
      const key = keyOf(scope.id, access);
      if (this.#grants.get(key) !== undefined) void this.#review(key, { scopeId: scope.id, access, token });
    }
  }

  /** Tells when what a running watch goes on by ends. @returns how to stop that */
  follow(caller: Caller, access: Access, ended: (end: GrantEnd) => void): () => void {
    const scopeId = caller.scope.id;
    const key = keyOf(scopeId, access);
    const reader: Reader = { access, scopeId, ended };
    const readers = this.#readers.get(key) ?? new Set();
    this.#readers.set(key, readers.add(reader));
    return () => {
      readers.delete(reader);
      if (readers.size === 0 && this.#readers.get(key) === readers) this.#readers.delete(key);
    };
  }

  /** Commits what is pending. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#stop();
    await this.#grants.close();
  }

  #isGood({ reviewedAt }: Grant): boolean {
    return this.#options.clock.monotonic() - reviewedAt < goodMs;
  }

  /** Whether there is nothing in writing it anew. */
  #isFresh({ reviewedAt }: Grant): boolean {
    return this.#options.clock.monotonic() - reviewedAt < sweepMs;
  }

  #counts(grant: Grant): boolean {
    return this.#options.link.state === "offline" || this.#undecidedMs(grant) < undecidedMs;
  }

  /** For how long the cloud could have been asked since it granted it, and has not confirmed it. */
  #undecidedMs({ reviewedAt }: Grant): number {
    return this.#options.clock.monotonic() - Math.max(reviewedAt, this.#askedFrom);
  }

  /** While nothing can be asked no refusal lasts: the minute begins anew. */
  #interrupted(): void {
    const { link, clock } = this.#options;
    if (link.state === "offline") { for (const [, grant] of this.#grants.entries()) delete grant.deniedSince; }
    else if (this.#isCut) this.#askedFrom = clock.monotonic();
    this.#isCut = link.state === "offline";
  }

  /** Asks the cloud; all who ask at once ask once. */
  #review(key: string, asked: Asked): Promise<Review> {
    const before = this.#reviewing.get(key);
    if (before !== undefined) return before;
    const reviewing = this.#options.review(asked.token.token, asked.access).then(async (review) => {
      await this.#took(key, { ...asked, review });
      this.#reviewing.delete(key);
      return review;
    });
    this.#reviewing.set(key, reviewing);
    return reviewing;
  }

  /** What it changes is durable then (R14). */
  async #took(key: string, { review, ...asked }: Asked & { readonly review: Review }): Promise<void> {
    const { clock } = this.#options;
    if (review === "allowed") {
      this.#grant(key);
      return await this.#grants.saved(key);
    }
    if (review !== "denied") return;
    const grant = this.#grants.get(key);
    if (grant === undefined) return this.#refuse(key);
    grant.deniedSince ??= clock.monotonic();
    if (clock.monotonic() - grant.deniedSince < deniedMs) return;
    await this.#end(key, asked);
  }

  #grant(key: string): void {
    this.#grants.set(key);
    this.#refusals.delete(key);
  }

  #refuse(key: string): void {
    const before = this.#refusals.get(key);
    const keptMs = before === undefined ? refusalMs.first : Math.min(before.keptMs * 2, refusalMs.most);
    if (this.#refusals.size >= maxRefusals) this.#refusals.clear();
    this.#refusals.set(key, { until: this.#options.clock.monotonic() + keptMs, keptMs });
  }

  /** At once for new requests; who reads is told once no power loss brings it back. */
  async #end(key: string, { scopeId, access, token: { namespace, serviceAccount } }: Asked): Promise<void> {
    this.#grants.delete(key);
    this.#refuse(key);
    await this.#grants.saved(key);
    if (this.#grants.get(key) !== undefined) return; // the cloud has granted it anew meanwhile
    const user = `system:serviceaccount:${namespace}:${serviceAccount.name}`;
    const refusal = accessForbidden(access, user);
    this.#options.logger.log("info", "The cloud has taken back what it had granted", { why: refusal.message });
    this.#options.ended?.(scopeId, access);
    this.#tell(key, refusal);
  }

  /** One that the cloud takes its time for holds nobody up whom it has granted that before. */
  async #inTime(reviewing: Promise<Review>): Promise<Review> {
    const { clock, reviewTimeoutMs } = this.#options;
    return await new Promise((resolve) => {
      const timer = clock.setTimer(reviewTimeoutMs, () => resolve("unknown"));
      void reviewing.then((review) => {
        timer.cancel();
        resolve(review);
      });
    });
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(sweepMs, () => {
      this.#renew();
      this.#schedule();
    });
  }

  /** Reviews what running watches go on by, where that is due; while the link is cut all goes on as it is. */
  #renew(): void {
    if (this.#options.link.state !== "online") return;
    for (const [key, readers] of this.#readers) {
      const grant = this.#grants.get(key);
      const [reader] = readers;
      if (reader === undefined) continue;
      // It went for want of room: who comes back is asked for anew.
      if (grant === undefined) this.#tell(key, "clean");
      else if (grant.deniedSince !== undefined || !this.#isGood(grant)) void this.#renewOne(key, reader);
    }
  }

  async #renewOne(key: string, { access, scopeId }: Reader): Promise<void> {
    const { tokens } = this.#options;
    const token = tokens.of(scopeId);
    const review = token === undefined ? "unauthorized" : await this.#review(key, { scopeId, access, token });
    if (review === "unauthorized" && token !== undefined) tokens.reject(token);
    if (this.#options.link.state !== "online") return;
    const isLong = () => {
      const grant = this.#grants.get(key);
      return grant !== undefined && this.#undecidedMs(grant) >= undecidedWatchMs;
    };
    if (review === "unauthorized" || (review === "unknown" && isLong())) this.#tell(key, "clean");
  }

  /** Once each: they are over then. */
  #tell(key: string, end: GrantEnd): void {
    const readers = this.#readers.get(key) ?? [];
    this.#readers.delete(key);
    for (const reader of readers) reader.ended(end);
  }
}

interface Asked {
  readonly scopeId: string;
  readonly access: Access;
  readonly token: ServiceAccountToken;
}

function keyOf(scopeId: string, access: Access): string {
  return `${encodeURIComponent(scopeId)}|${accessKey(access)}`;
}
