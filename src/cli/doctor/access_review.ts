import { z } from "zod";
import { type JsonApi, messageOf } from "../../identity/json_api.ts";

/** As a SelfSubjectAccessReview names what is asked for. */
export interface ResourceAttributes {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface ReviewOptions {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: { readonly verb: string; readonly path: string };
  readonly signal: AbortSignal;
}

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

/** Asks what the node may do. It changes nothing: a review is kept nowhere. @throws Error where that was no answer */
export async function askReview(
  api: JsonApi,
  { signal, ...spec }: ReviewOptions,
): Promise<"allowed" | "denied" | "unauthorized"> {
  const answer = await api({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec },
    signal,
  });
  if (answer.status === 401) return "unauthorized";
  const review = reviewSchema.safeParse(answer.object);
  if (answer.status === 201 && review.success) return review.data.status.allowed ? "allowed" : "denied";
  throw new Error(`The API server does not say what the node may do: ${messageOf(answer)}`);
}
