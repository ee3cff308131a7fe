import { defineFilter, type Filter } from "../filter.ts";
import { type FilterNode, ownPool, poolsLookup } from "../pool.ts";
import { objectAt, withMember } from "../read_object.ts";

/** kubelet runs all pods of a pool with `spec.hostNetwork` in the network of their node. */
export function hostnetworkpropagation(node: FilterNode): Filter {
  const pool = ownPool(node);
  return defineFilter({
    name: "hostnetworkpropagation",
    components: ["kubelet"],
    resources: [{ group: "", resource: "pods" }],
    lookups: [poolsLookup],
    concerns: (_meta, lookups) => pool(lookups)?.hostNetwork === true,
    apply: (pod) => withMember(pod, "spec", withMember(objectAt(pod, "spec"), "hostNetwork", true)),
  });
}
