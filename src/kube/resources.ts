import { formatFieldSelector, parseFieldSelector } from "./field_selector.ts";
import { formatLabelSelector, parseLabelSelector } from "./label_selector.ts";
import type { ListOptions } from "./list_options.ts";
import type { RequestInfo } from "./request_info.ts";

/** What a list or a watch asks for, in canonical form. Texts are empty for: core group, all namespaces, no selector. */
export interface Query {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

/** The groups that kube-apiserver 1.36 serves itself, those of CRDs and APIServices included, and those it once served. */
const BUILTIN_GROUPS: ReadonlySet<string> = new Set([
  "",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
]);

/** Whether kube-apiserver itself serves the group: no custom resources, no aggregated API server such as metrics.k8s.io. */
export function isBuiltinGroup(group: string): boolean {
  return BUILTIN_GROUPS.has(group);
}

/** `v1` for the core group, `apps/v1` for others: the `apiVersion` of the resource's objects. */
export function groupVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}

/**
 * The canonical query of a list, watch or deletecollection. A name in the path of a deprecated watch counts as a
 * selector for it, as it does for the API server. Subresources are no part of it: such requests have no query.
 *
 * @throws StatusError 400 where a selector is not well-formed
 */
export function queryOf(info: RequestInfo, options: ListOptions): Query {
  const { group, version, resource } = info;
  // RequestInfo gives a Namespace its own name as namespace, but Namespaces are in none.
  const namespace = group === "" && resource === "namespaces" ? "" : info.namespace;
  const fields = parseFieldSelector(options.fieldSelector);
  const named = fields.length === 0 && info.name !== ""
    ? [{ field: "metadata.name", operator: "=" as const, value: info.name }]
    : fields;
  return {
    group,
    version,
    resource,
    namespace,
    labelSelector: formatLabelSelector(parseLabelSelector(options.labelSelector)),
    fieldSelector: formatFieldSelector(named),
  };
}

/** A text that is the same for the same query and for no other. Fit for a row's key: all of a resource lie together. */
export function queryKey(query: Query): string {
  const { group, version, resource, namespace, labelSelector, fieldSelector } = query;
  return [group, version, resource, namespace, labelSelector, fieldSelector].map(encodeURIComponent).join("/");
}

/** The name, where the whole field selector is `metadata.name=NAME`; else nothing. @throws StatusError 400 */
export function selectedNameOf(fieldSelector: string): string | undefined {
  const [only, ...others] = parseFieldSelector(fieldSelector);
  if (only === undefined || others.length > 0) return undefined;
  return only.field === "metadata.name" && only.operator === "=" ? only.value : undefined;
}
