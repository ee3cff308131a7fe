import type { JsonApi } from "../../identity/json_api.ts";
import { askReview, type ResourceAttributes, type ReviewOptions } from "./access_review.ts";
import { type Check, type Finding, ok, skipped, warning } from "./finding.ts";
import { reasonOf } from "./reason.ts";

/** What the hub does beyond a node's rights, and what it needs for that. */
export interface NeededRights {
  /** What is off without them. */
  readonly feature: string;
  readonly rights: readonly NeededRight[];
}

export type NeededRight = ResourceAttributes | { readonly verb: "get"; readonly path: string };

/** The rights of deploy/rbac/hub.yaml. @param namespace of the ConfigMap yurt-hub-cfg */
export function neededRights(namespace: string): readonly NeededRights[] {
  const reads = (group: string, resources: readonly string[]): readonly NeededRight[] =>
    resources.flatMap((resource) => ["list", "watch"].map((verb) => ({ verb, group, resource })));
  return [
    {
      feature: "an API server of another cluster that has the same CA is not told apart",
      rights: [
        { verb: "get", path: "/.well-known/openid-configuration" },
        { verb: "get", path: "/openid/v1/jwks" },
      ],
    },
    {
      feature: "whether pods believe the HTTPS port is not known, so none is led there",
      rights: [{ verb: "get", group: "", resource: "configmaps", namespace: "kube-system", name: "kube-root-ca.crt" }],
    },
    {
      feature: "kube-proxy, CoreDNS and others on the plain port read no endpoints, and servicetopology is off",
      rights: [...reads("", ["endpoints", "nodes"]), ...reads("discovery.k8s.io", ["endpointslices"])],
    },
    {
      feature: "topology by node pool (servicetopology) is off",
      rights: reads("apps.openyurt.io", ["nodepools", "nodebuckets"]),
    },
    {
      feature: "custom resources show NAME and AGE alone while the link is cut",
      rights: [{ verb: "get", group: "apiextensions.k8s.io", resource: "customresourcedefinitions" }],
    },
    {
      feature: "filters and cache agents are not changed at run time by the ConfigMap yurt-hub-cfg",
      rights: ["list", "watch"].map((verb) => (
        { verb, group: "", resource: "configmaps", namespace, name: "yurt-hub-cfg" }
      )),
    },
  ];
}

/** Whether the node may do all that the hub asks for. */
export const rightsCheck: Check = {
  name: "rights",
  run: async (context, signal) => {
    const asked = await context.api();
    if ("why" in asked) return [skipped(asked.why)];
    const needed = neededRights(context.values.string("namespace"));
    let found: readonly (Finding | "unauthorized" | undefined)[];
    try {
      found = await Promise.all(needed.map((one) => featureFinding(asked.api, one, signal)));
    } catch (error) {
      return [skipped(reasonOf(error))];
    }
    if (found.includes("unauthorized")) return [skipped("the API server does not take the node's identity (401)")];
    const missing = found.filter((finding) => typeof finding === "object");
    const count = needed.reduce((sum, { rights }) => sum + rights.length, 0);
    return missing.length > 0 ? missing : [ok(`the node has all ${count} rights of deploy/rbac/hub.yaml`)];
  },
};

async function featureFinding(
  api: JsonApi,
  { feature, rights }: NeededRights,
  signal: AbortSignal,
): Promise<Finding | "unauthorized" | undefined> {
  const answers = await Promise.all(rights.map((right) => askReview(api, { ...reviewOf(right), signal })));
  if (answers.includes("unauthorized")) return "unauthorized";
  const denied = rights.filter((_, index) => answers[index] === "denied");
  if (denied.length === 0) return undefined;
  return warning(
    `${feature}: the node may not ${denied.map(rightWords).join(", ")}`,
    "kubectl apply -f deploy/rbac/hub.yaml, as who may give rights in the cluster",
  );
}

function reviewOf(right: NeededRight): Omit<ReviewOptions, "signal"> {
  return "path" in right ? { nonResourceAttributes: right } : { resourceAttributes: right };
}

/** `watch endpointslices.discovery.k8s.io`, `get configmaps kube-system/kube-root-ca.crt`. */
function rightWords(right: NeededRight): string {
  if ("path" in right) return `${right.verb} ${right.path}`;
  const { verb, group = "", resource, namespace, name } = right;
  const of = namespace === undefined ? "" : ` ${namespace}/${name}`;
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}${of}`;
}
