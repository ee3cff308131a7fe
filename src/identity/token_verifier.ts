import { compactVerify, createLocalJWKSet, decodeProtectedHeader, errors } from "jose";
import type { Clock } from "../platform/clock.ts";
import { readServiceAccountToken, type ServiceAccountToken } from "./service_account_token.ts";
import { keySetOf, type TokenKeys, type ToldKeys } from "./token_keys.ts";

/** What an API server said when its keys were asked for with a token. */
export type KeyAnswer = { readonly keys: ToldKeys } | "unauthorized" | "unknown";

export interface TokenVerifierOptions {
  readonly clock: Clock;
  /** As they were known last. */
  readonly known?: TokenKeys;
  /** Asks the cloud for its keys with that token. Never rejects. */
  readonly ask: (token: string) => Promise<KeyAnswer>;
  /** Keeps what was learnt. Never rejects. */
  readonly learnt: (keys: TokenKeys) => Promise<void>;
  /** Whether what a token is bound to is known to be gone. */
  readonly isGone: (token: ServiceAccountToken) => boolean;
  /** Whether a token is taken although it has expired. */
  readonly isGraced: (token: ServiceAccountToken) => boolean;
}

/** A token that is none of this cluster's, or no longer. The message says why, for the log: the caller is not told. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** Signatures of public keys alone: no `none`, and no HMAC, for which a public key would be the secret. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/** What two clocks may differ by, as kube-apiserver has it (go-jose jwt.DefaultLeeway). */
const leewayMs = 60_000;
/** Keys are asked for again at the first token after this. */
const refreshMs = 60 * 60_000;
/** A token that the cloud has refused it is not asked about again so soon. */
const refusedMs = 10_000;
const maxRefused = 1_000;
/** A cloud that did not answer is not asked again so soon, nor one that has refused a token, while its keys are known. */
const silentMs = 1_000;
/** Tokens that wait for the cloud to be asked. */
const maxAsking = 32;
const maxVerified = 1_000;
/** No service account token is longer. */
const maxTokenLength = 16 * 1024;

/**
 * Verifies service account tokens with the cluster's public keys, which it has asked for with a caller's own token and keeps
 * for when the cloud is out of reach (design, section 5).
 */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  /** Tokens whose signature is right, issuer and audience are ours; by token. */
  readonly #verified = new Map<string, ServiceAccountToken>();
  readonly #refused = new Map<string, number>();
  #known: TokenKeys | undefined;
  #asking: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Until then it is not asked. Monotonic milliseconds. */
  #silentUntil = 0;
  #refreshAt = 0;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#known = options.known;
  }

  /**
   * Verifies a token.
   *
   * @throws TokenError where it is forged, expired, not for the API server, or of something that is gone
   */
  async verify(token: string): Promise<ServiceAccountToken> {
    if (token.length > maxTokenLength) throw new TokenError("it is too long");
    const read = this.#verified.get(token) ?? await this.#read(token);
    const now = this.#options.clock.now();
    if (now < read.notBefore - leewayMs) throw new TokenError("it is not valid yet");
    if (now > read.expiresAt + leewayMs && !this.#options.isGraced(read)) throw new TokenError("it has expired");
    if (this.#options.isGone(read)) throw new TokenError("what it is bound to is gone");
    this.#refreshLater(read);
    return read;
  }

  async #read(token: string): Promise<ServiceAccountToken> {
    const { kid } = headerOf(token);
    const before = this.#known;
    let found = before?.keys.some((key) => key.kid === kid) === true ? await this.#check(token, before) : "unknown";
    // A new key, a new issuer, another audience: the cloud knows, and is asked with that very token.
    if (found === "unknown" && await this.#learn(token) && this.#known !== undefined) {
      found = await this.#check(token, this.#known);
    }
    if (found === "unknown") throw new TokenError("nothing is known of its key, issuer or audience");
    bound(this.#verified, maxVerified);
    this.#verified.set(token, found);
    return found;
  }

  /** @returns `unknown` where the signature is right, or of a key that is not known, but the cloud may have changed its mind */
  async #check(token: string, known: TokenKeys): Promise<ServiceAccountToken | "unknown"> {
    let payload: Uint8Array;
    try {
      ({ payload } = await compactVerify(token, createLocalJWKSet(keySetOf(known)), { algorithms }));
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return "unknown";
      if (error instanceof errors.JOSEError) throw new TokenError(error.message);
      throw new TokenError("its signature cannot be verified");
    }
    const read = readServiceAccountToken(token, payload);
    if (read === undefined) throw new TokenError("it has not the claims of a service account's token");
    const isOurs = read.issuer === known.issuer && read.audiences.some((one) => known.audiences.includes(one));
    return isOurs ? read : "unknown";
  }

  /** Asks the cloud, one after the other. @returns whether it took the token */
  async #learn(token: string): Promise<boolean> {
    if (this.#waiting >= maxAsking) return false;
    this.#waiting += 1;
    const asked = this.#asking.then(() => this.#ask(token));
    this.#asking = asked.catch(() => undefined);
    return await asked.finally(() => this.#waiting -= 1);
  }

  async #ask(token: string): Promise<boolean> {
    const { ask, learnt, clock } = this.#options;
    const now = clock.monotonic();
    if (now < this.#silentUntil || now < (this.#refused.get(token) ?? 0)) return false;
    const answer = await ask(token);
    if (answer === "unknown") {
      this.#silentUntil = clock.monotonic() + silentMs;
      return false;
    }
    if (answer === "unauthorized") {
      bound(this.#refused, maxRefused);
      this.#refused.set(token, clock.monotonic() + refusedMs);
      // Who makes up one token after the other must not fill a thin link.
      if (this.#known !== undefined) this.#silentUntil = clock.monotonic() + silentMs;
      return false;
    }
    const { issuer, keys } = answer.keys;
    const taken = await this.#audiencesOf(token, answer.keys);
    const before = this.#known?.issuer === issuer ? this.#known.audiences : [];
    const audiences = [...new Set([issuer, ...before, ...taken])];
    this.#known = { issuer, audiences, keys, fetchedAt: new Date(clock.now()).toISOString() };
    this.#verified.clear();
    await learnt(this.#known);
    return true;
  }

  /** The cloud has taken the token: where it is for one audience alone, that is the API server's. */
  async #audiencesOf(token: string, { issuer, keys }: ToldKeys): Promise<readonly string[]> {
    const payload = await compactVerify(token, createLocalJWKSet(keySetOf({ keys })), { algorithms }).then(
      (verified) => verified.payload,
      () => undefined,
    );
    const read = payload === undefined ? undefined : readServiceAccountToken(token, payload);
    return read?.issuer === issuer && read.audiences.length === 1 ? read.audiences : [];
  }

  /** Keys that were fetched long ago are fetched again, while nobody waits for them. */
  #refreshLater({ token, expiresAt }: ServiceAccountToken): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const ageMs = clock.now() - Date.parse(this.#known?.fetchedAt ?? "");
    if (ageMs < refreshMs || now < this.#refreshAt || clock.now() >= expiresAt) return;
    this.#refreshAt = now + refusedMs;
    void this.#learn(token).catch(() => undefined);
  }
}

/** @throws TokenError where it is no signed token, or signed with what anybody can */
function headerOf(token: string): { readonly kid: string } {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new TokenError("it is no signed token");
  }
  const { alg, kid } = header;
  if (alg === undefined || !algorithms.includes(alg)) throw new TokenError("its algorithm is not taken");
  if (kid === undefined) throw new TokenError("it names no key");
  return { kid };
}

/** Makes room for one more: the oldest goes. */
function bound(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size < most) return;
    map.delete(oldest);
  }
}
