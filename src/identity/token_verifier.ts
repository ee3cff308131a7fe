import { compactVerify, createLocalJWKSet, decodeProtectedHeader, errors } from "jose";
import type { Clock } from "../platform/clock.ts";
import { type KeyAnswer, KeyQuestions } from "./key_questions.ts";
import { bound } from "./bound.ts";
import { readServiceAccountToken, type ServiceAccountToken } from "./service_account_token.ts";
import { accepts, isSame, keySetOf, type TokenKeys, type ToldKeys, withTold } from "./token_keys.ts";

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
export const leewayMs = 60_000;
/** Keys are asked for again at the first token after this. */
const refreshMs = 60 * 60_000;
/** Where that fails it is tried again after this. */
const refreshRetryMs = 10_000;
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
  readonly #questions: KeyQuestions;
  #known: TokenKeys | undefined;
  #refreshAt = 0;

  constructor(options: TokenVerifierOptions) {
    const { clock, ask, known } = options;
    this.#options = options;
    this.#known = known;
    this.#questions = new KeyQuestions({
      clock,
      ask,
      taken: (token, keys) => this.#take(token, keys),
      isSettled: async (token) => await this.#check(token) !== "unknown",
      credentials: () => this.#credentials(),
      refused: (token) => void this.#verified.delete(token),
      hasKeys: () => this.#known !== undefined,
    });
  }

  /**
   * Verifies a token.
   *
   * @param client whose it is, as far as can be told: one that sends tokens that the cloud refuses does not keep others from it
   * @throws TokenError where it is forged, expired, not for the API server, or of something that is gone
   */
  async verify(token: string, client?: string): Promise<ServiceAccountToken> {
    if (token.length > maxTokenLength) throw new TokenError("it is too long");
    const read = this.#verified.get(token) ?? await this.#read(token, client);
    const now = this.#options.clock.now();
    if (now < read.notBefore - leewayMs) throw new TokenError("it is not valid yet");
    if (now > read.expiresAt + leewayMs && !this.#options.isGraced(read)) throw new TokenError("it has expired");
    if (this.#options.isGone(read)) throw new TokenError("what it is bound to is gone");
    this.#refreshLater();
    return read;
  }

  async #read(token: string, client: string | undefined): Promise<ServiceAccountToken> {
    const { kid } = headerOf(token);
    const isKeyKnown = () => this.#known?.keys.some((key) => key.kid === kid) === true;
    let found = await this.#check(token);
    // A new key: whom the cloud is known to take may ask, for anybody can make up another.
    const hasAsked = !isKeyKnown() && await this.#questions.askWithVerified();
    if (hasAsked) found = await this.#check(token);
    // A new issuer, another audience: the cloud alone knows, and is asked with that very token.
    const mayHelp = isKeyKnown() || !hasAsked;
    if (found === "unknown" && mayHelp && await this.#questions.askWith(token, client)) {
      found = await this.#check(token);
    }
    if (found === "unknown") throw new TokenError("nothing is known of its key, issuer or audience");
    this.#hold(found);
    return found;
  }

  #hold(read: ServiceAccountToken): void {
    bound(this.#verified, maxVerified);
    this.#verified.set(read.token, read);
  }

  /** @returns `unknown` where the signature is right, or of a key that is not known, but the cloud may have changed its mind */
  async #check(token: string): Promise<ServiceAccountToken | "unknown"> {
    const known = this.#known;
    if (known === undefined) return "unknown";
    const read = await readSigned(token, known);
    if (read === "unknown" || !accepts(known, read)) return "unknown";
    return read;
  }

  /** The cloud has taken the token, and told its keys. */
  async #take(token: string, told: ToldKeys): Promise<void> {
    const { clock, learnt } = this.#options;
    const read = await readSigned(token, told).catch(() => "unknown" as const); // it is refused when it is checked
    const before = this.#known;
    const fetchedAt = new Date(clock.now()).toISOString();
    const known = withTold(before, { told, fetchedAt, ...(read === "unknown" ? {} : { taken: read }) });
    this.#known = known;
    if (before !== undefined && isSame(before, known)) return;
    this.#verified.clear();
    if (read !== "unknown" && accepts(known, read)) this.#hold(read);
    await learnt(known);
  }

  /** Tokens that the cloud should take, the oldest first. */
  *#credentials(): Generator<string> {
    const { clock, isGone } = this.#options;
    const now = clock.now();
    for (const read of this.#verified.values()) {
      if (now >= read.notBefore && now < read.expiresAt && !isGone(read)) yield read.token;
    }
  }

  /** Keys that were fetched long ago are fetched again, while nobody waits for them. */
  #refreshLater(): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const ageMs = clock.now() - Date.parse(this.#known?.fetchedAt ?? "");
    if (ageMs < refreshMs || now < this.#refreshAt) return;
    this.#refreshAt = now + refreshRetryMs;
    void this.#questions.askWithVerified().catch(() => undefined);
  }
}

/** @returns `unknown` where none of the keys has its name. @throws TokenError where it is forged, or no service account's */
async function readSigned(token: string, keys: ToldKeys): Promise<ServiceAccountToken | "unknown"> {
  let payload: Uint8Array;
  try {
    ({ payload } = await compactVerify(token, createLocalJWKSet(keySetOf(keys)), { algorithms }));
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return "unknown";
    if (error instanceof errors.JOSEError) throw new TokenError(error.message);
    throw new TokenError("its signature cannot be verified");
  }
  const read = readServiceAccountToken(token, payload);
  if (read === undefined) throw new TokenError("it has not the claims of a service account's token");
  return read;
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
