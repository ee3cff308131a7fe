import type { JsonAnswer, JsonApi, JsonRequest } from "../../src/identity/json_api.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { type Authority, createAuthority } from "./certificates.ts";

/** A request as it was sent. */
export interface SentRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly request: string; readonly signerName: string; readonly usages: readonly string[] };
}

/** The part of an API server that signs certificates. */
export interface FakeSigner {
  readonly authority: Authority;
  readonly requests: SentRequest[];
  readonly api: JsonApi;
  /** What becomes of requests. */
  mode: "sign" | "wait" | "deny" | "lose" | { readonly status: number };
  /** From signing to expiry. Certificates are set back by five minutes. */
  lifeMs: number;
}

const setBackMs = 5 * 60_000;

export async function createFakeSigner(clock: Clock): Promise<FakeSigner> {
  const authority = await createAuthority();
  const certificates = new Map<string, string>();
  const signer: FakeSigner = {
    authority,
    requests: [],
    mode: "sign",
    lifeMs: 1_000_000,
    api: (request) => answer(request),
  };
  const answer = async ({ method, path, body }: JsonRequest): Promise<JsonAnswer> => {
    if (typeof signer.mode === "object") return { status: signer.mode.status, object: { message: "told so" } };
    if (method === "POST") {
      const sent = body as SentRequest; // the code under test sends nothing else
      if (signer.requests.some(({ metadata }) => metadata.name === sent.metadata.name)) {
        return { status: 409, object: {} };
      }
      signer.requests.push(sent);
      return { status: 201, object: sent };
    }
    const found = signer.requests.find(({ metadata }) => path.endsWith(`/${metadata.name}`));
    if (found === undefined || signer.mode === "lose") return { status: 404, object: {} };
    return { status: 200, object: { ...found, status: await statusOf(found) } };
  };
  const statusOf = async ({ metadata: { name }, spec }: SentRequest): Promise<unknown> => {
    if (signer.mode === "deny") return { conditions: [{ type: "Denied", reason: "No", message: "never" }] };
    if (signer.mode !== "sign") return {};
    const now = clock.now();
    const validity = { notBefore: new Date(now - setBackMs), notAfter: new Date(now + signer.lifeMs) };
    const known = certificates.get(name) ?? await authority.sign(atob(spec.request), validity);
    certificates.set(name, known);
    return { certificate: btoa(known) };
  };
  return signer;
}
