import { z } from "zod";

/** An object of the API that a token names. */
export interface NamedObject {
  readonly name: string;
  readonly uid: string;
}

/** What a service account token says, once its signature is known to be the cluster's. */
export interface ServiceAccountToken {
  /** The token itself. */
  readonly token: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly namespace: string;
  readonly serviceAccount: NamedObject;
  /** What it is bound to, and ends with. */
  readonly pod?: NamedObject;
  readonly secret?: NamedObject;
  /** Where its pod runs, or what it is bound to where there is no pod. */
  readonly node?: NamedObject;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

const namedSchema = z.object({ name: z.string().min(1), uid: z.string().min(1) });
/** A node that did not exist yet has no uid. */
const nodeSchema = z.object({ name: z.string().min(1), uid: z.string().default("") });

/** The claims of kube-apiserver's tokens (pkg/serviceaccount claims.go); those of old, without end or audience, are none. */
const claimsSchema = z.object({
  iss: z.string().min(1),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  nbf: z.number().default(0),
  "kubernetes.io": z.object({
    namespace: z.string().min(1),
    serviceaccount: namedSchema,
    pod: namedSchema.exactOptional(),
    secret: namedSchema.exactOptional(),
    node: nodeSchema.exactOptional(),
  }),
});

/**
 * Reads the claims of a token.
 *
 * @param payload whose signature was verified
 * @returns nothing where they are not those of a service account's token
 */
export function readServiceAccountToken(token: string, payload: Uint8Array): ServiceAccountToken | undefined {
  const read = claimsSchema.safeParse(parse(payload));
  if (!read.success) return undefined;
  const { iss, sub, aud, exp, nbf, "kubernetes.io": { namespace, serviceaccount, ...bound } } = read.data;
  if (sub !== `system:serviceaccount:${namespace}:${serviceaccount.name}`) return undefined;
  return {
    token,
    issuer: iss,
    audiences: typeof aud === "string" ? [aud] : aud,
    namespace,
    serviceAccount: serviceaccount,
    ...bound,
    notBefore: nbf * 1_000,
    expiresAt: exp * 1_000,
  };
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined; // no schema takes it
  }
}
