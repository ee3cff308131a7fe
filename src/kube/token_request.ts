import { z } from "zod";
import { contentTypeOf } from "./media_type.ts";
import { jsonToProtobuf, protobufToJson } from "./protobuf_messages.ts";
import { bytesEqual } from "./raw_json.ts";
import { StatusError } from "./status.ts";

/** What the answer of a TokenRequest depends on, as far as the request says it. */
export interface TokenQuestion {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Empty for those of the API server. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** The object that the token ends with; missing where it is bound to none. */
  readonly boundTo?: {
    readonly kind: string;
    readonly apiVersion: string;
    readonly name: string;
    readonly uid: string;
  };
}

/** A TokenRequest as it came. */
export interface TokenRequestBody {
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
}

/** Of a request that asks for none (pkg/apis/authentication/v1/defaults.go). */
const defaultExpirationSeconds = 3_600;

/** Strict: with a member that is not known here a request may ask for another token. The status is the API server's. */
const requestSchema = z.strictObject({
  kind: z.literal("TokenRequest"),
  apiVersion: z.literal("authentication.k8s.io/v1"),
  metadata: z.strictObject({
    name: z.string().exactOptional(),
    namespace: z.string().exactOptional(),
    creationTimestamp: z.null().exactOptional(),
  }).exactOptional(),
  spec: z.strictObject({
    audiences: z.array(z.string()).nullish(),
    expirationSeconds: z.int().nullish(),
    boundObjectRef: z.strictObject({
      kind: z.string(),
      apiVersion: z.string(),
      name: z.string(),
      uid: z.string().min(1), // without it any object of that name is meant
    }).nullish(),
  }),
  status: z.unknown().optional(),
});

const answerSchema = z.object({
  kind: z.literal("TokenRequest"),
  status: z.object({ token: z.string().min(1) }),
});

/**
 * Reads a TokenRequest, as JSON or protobuf.
 *
 * @param account whose token is asked for: the request's path
 * @returns nothing where it is not wholly understood, or the API server would refuse it
 */
export function readTokenRequest(
  request: TokenRequestBody,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): TokenQuestion | undefined {
  const read = requestSchema.safeParse(parse(jsonOf(request)));
  if (!read.success) return undefined;
  const { metadata = {}, spec: { audiences, expirationSeconds, boundObjectRef } } = read.data;
  const { name: ownName = "", namespace: ownNamespace = "" } = metadata;
  if (!["", name].includes(ownName) || !["", namespace].includes(ownNamespace)) return undefined;
  return {
    namespace,
    serviceAccount: name,
    audiences: audiences ?? [],
    expirationSeconds: expirationSeconds ?? defaultExpirationSeconds,
    ...(boundObjectRef ? { boundTo: boundObjectRef } : {}),
  };
}

/** The token in the answer of a TokenRequest, as JSON; nothing where there is none. */
export function tokenOf(answer: Uint8Array): string | undefined {
  return answerSchema.safeParse(parse(answer)).data?.status.token;
}

/** A protobuf body counts where nothing is in it but what its JSON says. */
function jsonOf({ body, contentType }: TokenRequestBody): Uint8Array | undefined {
  switch (contentTypeOf(contentType).type) {
    case "":
    case "application/json":
      return body;
    case "application/vnd.kubernetes.protobuf":
      return understood(body);
    default:
      return undefined;
  }
}

function understood(body: Uint8Array): Uint8Array | undefined {
  try {
    const json = protobufToJson(body);
    const again = json === undefined ? undefined : jsonToProtobuf(json);
    return again !== undefined && bytesEqual(again, body) ? json : undefined;
  } catch (error) {
    if (error instanceof StatusError) return undefined; // malformed: the API server's to refuse
    throw error;
  }
}

function parse(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // no schema takes it
  }
}
