import { z } from "zod";
import { type JsonAnswer, type JsonApi, messageOf } from "../identity/json_api.ts";
import type { ClusterFacts, NodeFacts } from "./review_signing_request.ts";
import type { SigningRequest } from "./signing_request.ts";

const nodeSchema = z.object({
  status: z.object({
    addresses: z.array(z.object({ type: z.string(), address: z.string() })).optional(),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
  }).optional(),
});
const serviceSchema = z.object({ spec: z.object({ clusterIPs: z.array(z.string()).optional() }) });
const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

export interface ClusterFactsOptions {
  readonly api: JsonApi;
  readonly dummyIps: readonly string[];
  readonly signal: AbortSignal;
}

/** Asks the API server, each time anew. */
export function createClusterFacts({ api, dummyIps, signal }: ClusterFactsOptions): ClusterFacts {
  return {
    dummyIps,
    async node(name) {
      const answer = await api({ method: "GET", path: `/api/v1/nodes/${encodeURIComponent(name)}`, signal });
      return answer.status === 404 ? undefined : nodeFacts(checked(answer, nodeSchema));
    },
    async mayBootstrap(request) {
      const body = subjectAccessReview(request);
      const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
      return checked(await api({ method: "POST", path, body, signal }), reviewSchema).status.allowed;
    },
    async serviceIps() {
      const path = "/api/v1/namespaces/default/services/kubernetes";
      return checked(await api({ method: "GET", path, signal }), serviceSchema).spec.clusterIPs ?? [];
    },
  };
}

function nodeFacts({ status }: z.infer<typeof nodeSchema>): NodeFacts {
  return {
    ready: status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
    addresses: status?.addresses ?? [],
  };
}

/** As kube-controller-manager's own approver asks. */
function subjectAccessReview({ spec }: SigningRequest): unknown {
  const { username: user, groups } = spec;
  const resource = { group: "certificates.k8s.io", resource: "certificatesigningrequests", subresource: "nodeclient" };
  return {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, groups, resourceAttributes: { verb: "create", version: "*", ...resource } },
  };
}

function checked<T>(answer: JsonAnswer, schema: z.ZodType<T>): T {
  const read = schema.safeParse(answer.object);
  if (answer.status < 300 && read.success) return read.data;
  throw new Error(`The API server answered ${messageOf(answer)}`);
}
