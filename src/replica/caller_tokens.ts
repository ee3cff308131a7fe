import { bound } from "../identity/bound.ts";
import type { ServiceAccountToken } from "../identity/service_account_token.ts";
import type { Clock } from "../platform/clock.ts";

/** Scopes at most; the one that was seen first goes first. */
const maxTokens = 1_000;
/** How long a token that the cloud did not take is not tried again: it may have been the cloud's fault. */
const rejectedMs = 30_000;

/** The token of each service account that ends last, as its requests bring them; in memory only. */
export class CallerTokens {
  readonly #clock: Clock;
  readonly #tokens = new Map<string, ServiceAccountToken>();
  /** Until when, in monotonic milliseconds. */
  readonly #rejected = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a verified token. @returns whether it is newer than what was known */
  seen(scopeId: string, token: ServiceAccountToken): boolean {
    const known = this.#tokens.get(scopeId);
    const isNewer = known === undefined || token.expiresAt > known.expiresAt;
    if (!isNewer && token.expiresAt < known.expiresAt) return false;
    this.#tokens.delete(scopeId);
    bound(this.#tokens, maxTokens);
    this.#tokens.set(scopeId, token);
    return isNewer;
  }

  /** One with which the cloud can be asked; nothing where it has ended, or the cloud did not take it a moment ago. */
  of(scopeId: string): ServiceAccountToken | undefined {
    const token = this.#tokens.get(scopeId);
    if (token === undefined || this.#clock.now() >= token.expiresAt) return undefined;
    return this.#clock.monotonic() < (this.#rejected.get(token.token) ?? 0) ? undefined : token;
  }

  /** The cloud does not take it. */
  reject({ token }: ServiceAccountToken): void {
    this.#rejected.delete(token);
    bound(this.#rejected, maxTokens);
    this.#rejected.set(token, this.#clock.monotonic() + rejectedMs);
  }
}
