import type { JSONWebKeySet, JWK } from "jose";
import { z } from "zod";

/** A public key (RFC 7517). */
export interface PublicKey {
  readonly kty: "RSA" | "EC" | "OKP";
  /** Its name. */
  readonly kid: string;
  /** What belongs to its kind. */
  readonly [member: string]: unknown;
}

/** With what the cluster's service account tokens are verified, as an API server told last. */
export interface TokenKeys {
  /** As it says of itself. */
  readonly issuer: string;
  /** Others of which API servers were seen to take tokens: `--service-account-issuer` may be given more than once. */
  readonly furtherIssuers: readonly string[];
  /** For one of which a token must have been made: the issuer, and what API servers were seen to take. */
  readonly audiences: readonly string[];
  /** Or for all of one of these: of a token for several that was taken it is not known which of them counted. */
  readonly audienceSets: readonly (readonly string[])[];
  readonly keys: readonly PublicKey[];
  /** RFC 3339. */
  readonly fetchedAt: string;
}

/** What an API server tells who asks it with a token that it takes. */
export interface ToldKeys {
  readonly issuer: string;
  readonly keys: readonly PublicKey[];
}

const keySchema = z.looseObject({ kty: z.enum(["RSA", "EC", "OKP"]), kid: z.string().min(1) });
const keySetSchema = z.object({ keys: z.array(keySchema).min(1) });
const discoverySchema = z.object({ issuer: z.string().min(1) });

/** What is kept of each; the oldest goes. */
const maxSeen = 16;

/** As the state file keeps them; up to 0.1.0 without what tokens of several audiences, or of another issuer, have shown. */
export const tokenKeysSchema: z.ZodType<TokenKeys> = z.object({
  issuer: z.string().min(1),
  furtherIssuers: z.array(z.string()).default([]),
  audiences: z.array(z.string()),
  audienceSets: z.array(z.array(z.string()).min(2)).default([]),
  keys: z.array(keySchema),
  fetchedAt: z.string(),
});

/**
 * Reads the documents of `/.well-known/openid-configuration` and `/openid/v1/jwks`.
 *
 * @returns nothing where they are none: without issuer, or without a public key that has a name
 */
export function readTokenKeys(discovery: string, keySet: string): ToldKeys | undefined {
  const configuration = discoverySchema.safeParse(parse(discovery));
  const set = keySetSchema.safeParse(parse(keySet));
  if (!configuration.success || !set.success) return undefined;
  return { issuer: configuration.data.issuer, keys: set.data.keys };
}

/** What of a token an API server goes by. */
export interface TokenMaker {
  readonly issuer: string;
  readonly audiences: readonly string[];
}

/** Whether API servers take tokens of that issuer for these audiences. */
export function accepts(known: TokenKeys, { issuer, audiences }: TokenMaker): boolean {
  if (issuer !== known.issuer && !known.furtherIssuers.includes(issuer)) return false;
  if (audiences.some((one) => known.audiences.includes(one))) return true;
  return known.audienceSets.some((set) => set.every((one) => audiences.includes(one)));
}

/** What is known once an API server has told its keys to a token that it took. @param taken missing where they do not verify it */
export function withTold(
  before: TokenKeys | undefined,
  { told, taken, fetchedAt }: { readonly told: ToldKeys; readonly taken?: TokenMaker; readonly fetchedAt: string },
): TokenKeys {
  const { issuer, keys } = told;
  const kept = before?.issuer === issuer ? before : undefined;
  const { furtherIssuers = [], audiences = [issuer], audienceSets = [] } = kept ?? {};
  const known = { issuer, furtherIssuers, audiences, audienceSets, keys, fetchedAt };
  if (taken === undefined || taken.audiences.length === 0 || accepts(known, taken)) return known;
  const isFurther = taken.issuer !== issuer && !furtherIssuers.includes(taken.issuer);
  const withIssuer = { ...known, furtherIssuers: isFurther ? newest(furtherIssuers, taken.issuer) : furtherIssuers };
  if (accepts(withIssuer, taken)) return withIssuer;
  const set = [...new Set(taken.audiences)].sort();
  const [only = ""] = set;
  return set.length === 1
    ? {
      ...withIssuer,
      audiences: newest(audiences, only),
      audienceSets: audienceSets.filter((one) => !one.includes(only)),
    }
    : {
      ...withIssuer,
      audienceSets: newest(audienceSets.filter((one) => !set.every((name) => one.includes(name))), set),
    };
}

/** Whether the one verifies the tokens that the other does. */
export function isSame(one: TokenKeys, other: TokenKeys): boolean {
  return comparable(one) === comparable(other);
}

function comparable({ issuer, furtherIssuers, audiences, audienceSets, keys }: TokenKeys): string {
  return JSON.stringify([
    issuer,
    furtherIssuers,
    audiences,
    audienceSets,
    keys.map((key) => JSON.stringify(key)).sort(),
  ]);
}

function newest<T>(seen: readonly T[], one: T): readonly T[] {
  return [...seen, one].slice(-maxSeen);
}

export function keySetOf({ keys }: Pick<TokenKeys, "keys">): JSONWebKeySet {
  return { keys: keys.map((key) => key as JWK) }; // jose checks the members of the one that it uses
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}
