/** One resource that the embedded API server knows. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, as in the path. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** Whether `kubectl get all` shows it. */
  readonly inAll: boolean;
  /** Whether `status` is written through `/status` only. */
  readonly statusSubresource: boolean;
  /** Field selectors beside `metadata.name` and `metadata.namespace`. */
  readonly fields: readonly string[];
}

/** What the embedded API server serves: enough for a node and for `kubectl get`. */
export const resourceTypes: readonly ResourceType[] = [
  core("namespaces", "Namespace", { namespaced: false, shortNames: ["ns"], fields: ["status.phase"] }),
  core("nodes", "Node", {
    namespaced: false,
    shortNames: ["no"],
    statusSubresource: true,
    fields: ["spec.unschedulable"],
  }),
  core("pods", "Pod", {
    shortNames: ["po"],
    inAll: true,
    statusSubresource: true,
    fields: ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"],
  }),
  core("configmaps", "ConfigMap", { shortNames: ["cm"] }),
  core("secrets", "Secret", { fields: ["type"] }),
  core("services", "Service", { shortNames: ["svc"], inAll: true, fields: ["spec.clusterIP", "spec.type"] }),
  {
    ...core("leases", "Lease", {}),
    group: "coordination.k8s.io",
  },
  {
    ...core("deployments", "Deployment", { shortNames: ["deploy"], inAll: true, statusSubresource: true }),
    group: "apps",
  },
];

/** `v1` or `apps/v1`. */
export function apiVersionOf(type: Pick<ResourceType, "group" | "version">): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** `pods` or `deployments.apps`, as error messages name a resource. */
export function qualifiedResource(type: ResourceType): string {
  return type.group === "" ? type.resource : `${type.resource}.${type.group}`;
}

function core(resource: string, kind: string, options: Partial<ResourceType>): ResourceType {
  return {
    group: "",
    version: "v1",
    resource,
    singular: kind.toLowerCase(),
    kind,
    namespaced: true,
    shortNames: [],
    inAll: false,
    statusSubresource: false,
    fields: [],
    ...options,
  };
}
