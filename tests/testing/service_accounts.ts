import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { Exchange } from "../../src/platform/exchange.ts";

/** What of a token is not as it should be, or not the default. Times in milliseconds since 1970. */
export interface TokenOptions {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly issuer?: string;
  readonly audience?: string | string[];
  readonly expiresAt?: number;
  readonly notBefore?: number;
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly node?: string;
  readonly kid?: string;
  /** The cloud takes it although it is of another issuer, or for another audience. */
  readonly isTaken?: boolean;
}

/** Issues the tokens of a cluster, and is the part of its API server that tells of its keys. */
export interface TokenIssuer {
  readonly issuer: string;
  token(options?: TokenOptions): Promise<string>;
  /** Of a key that the cluster does not have, by a name that it has. */
  forged(options?: TokenOptions): Promise<string>;
  /** Signs with another key from now on, and tells of both. */
  rotate(): Promise<void>;
  /** Takes none of the tokens that were given out so far. */
  revokeAll(): void;
  /** Paths of keys that were asked for, and the tokens that came. */
  readonly asked: { readonly path: string; readonly authorization: string }[];
  /** Answers for its documents; 401 where a request comes with a token that it does not take. */
  intercept(exchange: Pick<Exchange, "rawPath" | "header">): Response | undefined;
}

const hourMs = 60 * 60_000;

/** @param now of the hub's clock. @param audiences which tokens must be for; by default the issuer */
export async function createTokenIssuer(
  now: () => number,
  { issuer = "https://kubernetes.default.svc", audience = issuer }: { issuer?: string; audience?: string } = {},
): Promise<TokenIssuer> {
  const keys = [await signingKey("key-1")];
  const stranger = await signingKey("key-1");
  const taken = new Set<string>();
  const sign = (key: SigningKey, options: TokenOptions = {}) => signed(key, { issuer, audience, ...options }, now());
  const self: TokenIssuer = {
    issuer,
    asked: [],
    token: async (options = {}) => {
      const key = keys.at(-1);
      if (key === undefined) throw new TypeError("There is no key");
      const token = await sign(key, options);
      const isUsual = (options.audience ?? audience) === audience && (options.issuer ?? issuer) === issuer;
      if (options.isTaken ?? isUsual) taken.add(token);
      return token;
    },
    forged: (options) => sign(stranger, options),
    rotate: async () => void keys.push(await signingKey(`key-${keys.length + 1}`)),
    revokeAll: () => taken.clear(),
    intercept: (exchange) => {
      const { rawPath } = exchange;
      const authorization = exchange.header("authorization") ?? "";
      const told = documents[rawPath];
      if (told === undefined) return undefined;
      if (authorization === "") return undefined; // the hub's own check of the link
      self.asked.push({ path: rawPath, authorization });
      return taken.has(authorization.replace("Bearer ", "")) ? Response.json(told()) : unauthorizedResponse();
    },
  };
  const documents: Readonly<Record<string, () => object>> = {
    "/.well-known/openid-configuration": () => ({ issuer, jwks_uri: "https://10.0.0.1/openid/v1/jwks" }),
    "/openid/v1/jwks": () => ({ keys: keys.map(({ jwk }) => jwk) }),
  };
  return self;
}

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: object;
}

async function signingKey(kid: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { kid, privateKey, jwk: { ...await exportJWK(publicKey), kid, use: "sig", alg: "ES256" } };
}

function signed({ kid, privateKey }: SigningKey, options: TokenOptions, now: number): Promise<string> {
  return new SignJWT(claimsOf(options, now)).setProtectedHeader({ alg: "ES256", kid: options.kid ?? kid }).sign(
    privateKey,
  );
}

/** The claims as kube-apiserver writes them. */
export function claimsOf(options: TokenOptions, now: number): Record<string, unknown> {
  const { namespace = "default", name = "app", uid = `uid-${namespace}-${name}`, pod, node } = options;
  const seconds = (ms: number) => Math.floor(ms / 1_000);
  return {
    iss: options.issuer,
    aud: [options.audience].flat(),
    sub: `system:serviceaccount:${namespace}:${name}`,
    iat: seconds(now),
    nbf: seconds(options.notBefore ?? now),
    exp: seconds(options.expiresAt ?? now + hourMs),
    jti: crypto.randomUUID(),
    "kubernetes.io": {
      namespace,
      serviceaccount: { name, uid },
      ...(pod === undefined ? {} : { pod }),
      ...(node === undefined ? {} : { node: { name: node, uid: `uid-${node}` } }),
    },
  };
}

function unauthorizedResponse(): Response {
  const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: "Unauthorized" };
  return Response.json({ ...body, reason: "Unauthorized", code: 401 }, { status: 401 });
}
