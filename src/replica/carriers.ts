import type { Caller } from "../identity/caller.ts";
import { nodeScope } from "../identity/scope.ts";
import type { ServiceAccountToken } from "../identity/service_account_token.ts";
import { queryKey } from "../kube/resources.ts";
import type { Clock } from "../platform/clock.ts";
import type { Access } from "./access.ts";
import type { CallerTokens } from "./caller_tokens.ts";

/** In whose name a reflector asks the cloud: the node, or a service account that was granted the query, its sponsor. */
export interface Carrier {
  readonly scopeId: string;
  /** Missing for the node. */
  readonly token?: ServiceAccountToken;
}

export const nodeCarrier: Carrier = { scopeId: nodeScope.id };

export interface CarriersOptions {
  readonly clock: Clock;
  readonly tokens: CallerTokens;
}

export interface PickOptions {
  /** Whether the node was granted the query. */
  readonly isNodes: boolean;
  /** Whether a refusal was waited out. @default {false} */
  readonly waited?: boolean;
}

interface Refused {
  /** Monotonic milliseconds. */
  readonly until: number;
  readonly keptMs: number;
}

/** A refusal is kept for the first, doubling to the second (design, section 4). */
const refusalMs = { first: 1_000, most: 30_000 };
/** Sponsors of one query at most: the one that came first goes first. */
export const maxSponsors = 100;
const maxRefusals = 1_000;
/** A watch to the cloud lasts no longer: then whoever carries it is picked anew. */
const maxHoldMs = 60 * 60_000;

/**
 * Who may carry the reflector of each query (design, section 4): the node where it is granted the query, else the freshest
 * credential of a service account that was granted it. In memory only: after a restart sponsors come with their requests.
 */
export class Carriers {
  readonly tokens: CallerTokens;
  /** Told of a sponsor's 403: whether its grant still holds is asked at once. */
  doubted: (caller: Caller, access: Access) => void = () => undefined;
  readonly #clock: Clock;
  /** By collection, by scope, by verb. */
  readonly #sponsors = new Map<string, Map<string, Map<string, Access>>>();
  readonly #refusals = new Map<string, Refused>();
  readonly #followers = new Map<string, Set<() => void>>();

  constructor({ clock, tokens }: CarriersOptions) {
    this.#clock = clock;
    this.tokens = tokens;
  }

  /** A service account that was granted a query asks for it: it may carry its reflector. */
  offer(key: string, { scope, token }: Caller, access: Access): void {
    if (token === undefined) return;
    const isNewer = this.tokens.seen(scope.id, token);
    const scopes = this.#sponsors.get(key) ?? new Map<string, Map<string, Access>>();
    this.#sponsors.set(key, scopes);
    const verbs = scopes.get(scope.id) ?? new Map<string, Access>();
    const isKnown = verbs.has(access.verb);
    scopes.set(scope.id, verbs.set(access.verb, access));
    for (const first of scopes.keys()) {
      if (scopes.size <= maxSponsors) break;
      scopes.delete(first);
    }
    if (isNewer || !isKnown) this.#tell(key);
  }

  /** What a service account was granted has ended. */
  withdraw(scopeId: string, { query, verb }: Access): void {
    const key = queryKey(query);
    const scopes = this.#sponsors.get(key);
    const verbs = scopes?.get(scopeId);
    if (verbs?.delete(verb) !== true) return;
    if (verbs.size === 0) scopes?.delete(scopeId);
    if (scopes?.size === 0) this.#sponsors.delete(key);
    this.#tell(key);
  }

  /** Nobody asks for it any more. */
  forget(key: string): void {
    this.#sponsors.delete(key);
  }

  /**
   * Who carries a reflector from now on: the node, where it was not refused a moment ago; else the sponsor whose token ends
   * last; else the node, where the query is its own. `later` where every sponsor was refused a moment ago; who has `waited`
   * gets the one whose refusal is the oldest.
   *
   * @returns nothing where nobody is left
   */
  pick(key: string, { isNodes, waited = false }: PickOptions): Carrier | "later" | undefined {
    if (!this.isRefused(key, nodeScope.id)) return nodeCarrier;
    const sponsor = this.#freshest(key);
    if (sponsor !== undefined) return sponsor;
    if (isNodes) return nodeCarrier;
    const able = this.#able(key);
    const untilOf = ({ scopeId }: Carrier) => this.#refusals.get(`${key} ${scopeId}`)?.until ?? 0;
    const oldest = able.toSorted((a, b) => untilOf(a) - untilOf(b))[0];
    return oldest === undefined || waited ? oldest : "later";
  }

  /** Whether a sponsor could carry it now. */
  hasSponsor(key: string): boolean {
    return this.#freshest(key) !== undefined;
  }

  /** Whether the cloud has refused it a query so recently that it is not asked again. */
  isRefused(key: string, scopeId: string): boolean {
    return this.#clock.monotonic() < (this.#refusals.get(`${key} ${scopeId}`)?.until ?? 0);
  }

  /** The cloud has refused who carried it: with 401 its token, with anything else the query. */
  refused(key: string, { scopeId, token }: Carrier, code: number): void {
    if (token !== undefined && code === 401) return this.tokens.reject(token);
    const before = this.#refusals.get(`${key} ${scopeId}`);
    const keptMs = before === undefined ? refusalMs.first : Math.min(before.keptMs * 2, refusalMs.most);
    if (this.#refusals.size >= maxRefusals) this.#refusals.clear();
    this.#refusals.set(`${key} ${scopeId}`, { until: this.#clock.monotonic() + keptMs, keptMs });
    if (token === undefined) return;
    for (const access of this.#sponsors.get(key)?.get(scopeId)?.values() ?? []) {
      this.doubted({ scope: { id: scopeId }, token }, access);
    }
  }

  /** The cloud has given it what it asked for. */
  accepted(key: string, { scopeId }: Carrier): void {
    this.#refusals.delete(`${key} ${scopeId}`);
  }

  /** Calls back once who carries a reflector cannot go on: its token ends, or its grant has. @returns how to stop that */
  hold(key: string, { scopeId, token }: Carrier, gone: () => void): () => void {
    if (token === undefined) return () => undefined;
    const lifeMs = Math.max(0, token.expiresAt - this.#clock.now());
    const timer = this.#clock.setTimer(Math.min(lifeMs, maxHoldMs), () => lifeMs <= maxHoldMs ? gone() : undefined);
    const unfollow = this.#follow(key, () => {
      if (this.#sponsors.get(key)?.has(scopeId) !== true) gone();
    });
    return () => {
      timer.cancel();
      unfollow();
    };
  }

  /** Waits that long, or until a sponsor comes, or the signal is aborted. */
  async offered(key: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const offered = new AbortController();
    const abort = () => offered.abort(signal.reason);
    signal.addEventListener("abort", abort);
    const unfollow = this.#follow(key, () => this.hasSponsor(key) ? abort() : undefined);
    try {
      if (signal.aborted) abort();
      await this.#clock.sleep(waitMs, offered.signal).catch(() => undefined);
    } finally {
      unfollow();
      signal.removeEventListener("abort", abort);
    }
  }

  #able(key: string): Carrier[] {
    return [...this.#sponsors.get(key)?.keys() ?? []].flatMap((scopeId) => {
      const token = this.tokens.of(scopeId);
      return token === undefined ? [] : [{ scopeId, token }];
    });
  }

  #freshest(key: string): Carrier | undefined {
    let freshest: Carrier | undefined;
    for (const one of this.#able(key)) {
      if (this.isRefused(key, one.scopeId)) continue;
      if ((one.token?.expiresAt ?? 0) > (freshest?.token?.expiresAt ?? 0)) freshest = one;
    }
    return freshest;
  }

  #follow(key: string, follower: () => void): () => void {
    const followers = this.#followers.get(key) ?? new Set();
    this.#followers.set(key, followers.add(follower));
    return () => {
      followers.delete(follower);
      if (followers.size === 0 && this.#followers.get(key) === followers) this.#followers.delete(key);
    };
  }

  #tell(key: string): void {
    for (const follower of [...this.#followers.get(key) ?? []]) follower();
  }
}
