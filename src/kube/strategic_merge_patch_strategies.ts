/**
 * How a strategic merge patch treats a list or an object.
 *
 * - `atomic`: what the patch has replaces what is held
 * - `set`: a list of scalars, of which each stands there once
 * - `{ by }`: a list of objects, told apart by the text of that member
 */
export type MergeStrategy = "atomic" | "set" | { readonly by: string };

/** By the path from the object's root, as in `status.conditions`. */
export type MergeStrategies = Readonly<Record<string, MergeStrategy>>;

/** `patchStrategy` and `patchMergeKey` of ObjectMeta (apimachinery meta/v1 types.go): every built-in kind has these. */
const METADATA: MergeStrategies = {
  "metadata.ownerReferences": { by: "uid" },
  "metadata.finalizers": "set",
  "metadata.managedFields": "atomic",
};

/** Those of NodeStatus (k8s.io/api core/v1 types.go, 1.36). */
const NODE: MergeStrategies = {
  ...METADATA,
  "status.conditions": { by: "type" },
  "status.addresses": { by: "type" },
  "status.images": "atomic",
  "status.volumesInUse": "atomic",
  "status.volumesAttached": "atomic",
  "status.runtimeHandlers": "atomic",
  "status.declaredFeatures": "atomic",
};

/** Those of PodStatus (k8s.io/api core/v1 types.go, 1.36). */
const POD: MergeStrategies = {
  ...METADATA,
  "status.conditions": { by: "type" },
  "status.podIPs": { by: "ip" },
  "status.hostIPs": { by: "ip" },
  "status.resourceClaimStatuses": { by: "name" },
  "status.containerStatuses": "atomic",
  "status.initContainerStatuses": "atomic",
  "status.ephemeralContainerStatuses": "atomic",
  "status.nodeAllocatableResourceClaimStatuses": "atomic",
  "status.resources.claims": "atomic",
  "status.extendedResourceClaimStatus.requestMappings": "atomic",
};

const KINDS: ReadonlyMap<string, MergeStrategies> = new Map([
  ["v1 Node", NODE],
  ["v1 Pod", POD],
  ["policy/v1 PodDisruptionBudget", { ...METADATA, "spec.selector": "atomic" }],
]);

/**
 * What is known of a kind. A list that is missing may be of any strategy. An object that is missing is merged: in all of
 * k8s.io/api a PodDisruptionBudget's selector is the only one that is not.
 */
export function mergeStrategiesOf(apiVersion: string, kind: string): MergeStrategies {
  return KINDS.get(`${apiVersion} ${kind}`) ?? METADATA;
}
