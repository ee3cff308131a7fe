import { z } from "zod";

const claimsSchema = z.object({ exp: z.number() });

/**
 * When a service account token ends, by its own claim `exp` (RFC 7519, section 4.1.4). Nothing of it is verified: it must come
 * from the API server itself.
 *
 * @returns milliseconds since 1970; nothing where it is no JWT with an end
 */
export function tokenExpiry(token: string): number | undefined {
  const [, payload = "", signature] = token.split(".");
  if (signature === undefined) return undefined;
  const claims = claimsSchema.safeParse(parse(payload));
  return claims.success ? claims.data.exp * 1_000 : undefined;
}

function parse(base64Url: string): unknown {
  try {
    const binary = atob(base64Url.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
  } catch {
    return undefined; // no schema takes it
  }
}
