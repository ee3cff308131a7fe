import { defineFilter, type Filter } from "../filter.ts";
import { type FilterNode, ownPool, poolsLookup } from "../pool.ts";
import { annotationOf, objectAt, textAt } from "../read_object.ts";

/** Pools that listen: `pool`, `-pool`, `*`, in a list with commas. */
const listen = "nodeport.openyurt.io/listen";

/** kube-proxy opens the node ports of a Service only in the pools that its annotation names. */
export function nodeportisolation(node: FilterNode): Filter {
  const pool = ownPool(node);
  return defineFilter({
    name: "nodeportisolation",
    components: ["kube-proxy"],
    resources: [{ group: "", resource: "services" }],
    lookups: [poolsLookup],
    mentions: [listen],
    concerns: (_meta, lookups) => pool(lookups) !== undefined,
    apply: (service, lookups) => {
      const pools = annotationOf(service, listen);
      const type = textAt(objectAt(service, "spec"), "type");
      const own = pool(lookups);
      if (pools === undefined || own === undefined || !["NodePort", "LoadBalancer"].includes(type)) return service;
      return listens(pools, own.name) ? service : undefined;
    },
  });
}

/** Of a pool that is named twice the first counts. */
function listens(pools: string, own: string): boolean {
  const named = pools.split(",").map((one) => one.trim()).filter((one) => one !== "");
  const first = named.find((one) => one === own || one === `-${own}`);
  return first === undefined ? named.includes("*") : first === own;
}
