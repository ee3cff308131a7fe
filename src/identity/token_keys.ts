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
  readonly issuer: string;
  /** For which a token must have been made: the issuer, and what API servers were seen to take. */
  readonly audiences: readonly string[];
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

/** As the state file keeps them. */
export const tokenKeysSchema: z.ZodType<TokenKeys> = z.object({
  issuer: z.string().min(1),
  audiences: z.array(z.string()),
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
