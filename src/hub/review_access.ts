import { z } from "zod";
import { type Access, reviewSpec } from "../replica/access.ts";
import type { Review } from "../replica/grants.ts";
import { askAs, type AskingContext } from "./ask_as.ts";

const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const reviewSchema = z.object({
  kind: z.literal("SelfSubjectAccessReview"),
  status: z.object({ allowed: z.boolean(), evaluationError: z.string().default("") }),
});

/** Asks the cloud whether a caller may read something, with the caller's own token. Never rejects. */
export async function reviewAccess(context: AskingContext, token: string, access: Access): Promise<Review> {
  const body = {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    metadata: {},
    spec: reviewSpec(access),
  };
  const answer = await askAs(context, { token, method: "POST", rawPath: reviewPath, body });
  if (answer?.status === 401) return "unauthorized";
  if (answer?.status !== 201) return "unknown";
  const read = reviewSchema.safeParse(parse(answer.text));
  if (!read.success) return "unknown";
  const { allowed, evaluationError } = read.data.status;
  if (allowed) return "allowed";
  return evaluationError === "" ? "denied" : "unknown";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}
