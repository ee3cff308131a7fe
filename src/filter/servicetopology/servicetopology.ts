import { defineFilter, type Filter, type FilterMeta, type FilterObject, type Lookup, type Lookups } from "../filter.ts";
import { type FilterNode, ownPool, poolsLookup } from "../pool.ts";
import { annotationOf, objectAt, textAt, withMember, withObjects } from "../read_object.ts";

type Topology = "node" | "pool";

const serviceNameLabel = "kubernetes.io/service-name";
const hostnameKey = "kubernetes.io/hostname";

/** Values of the annotation `openyurt.io/topologyKeys`, in all spellings. Others mean nothing. */
const topologies: ReadonlyMap<string, Topology> = new Map([
  [hostnameKey, "node"],
  ["openyurt.io/nodepool", "pool"],
  ["apps.openyurt.io/nodepool", "pool"],
  ["kubernetes.io/zone", "pool"],
  ["topology.kubernetes.io/zone", "pool"],
]);

/** Services whose endpoints are to be near. */
const topologyLookup: Lookup<Topology> = {
  name: "service-topologies",
  sources: [{
    group: "",
    version: "v1",
    resource: "services",
    select: (service) => topologies.get(annotationOf(service, "openyurt.io/topologyKeys")?.trim() ?? ""),
  }],
};

/**
 * Who balances load sees only the endpoints of a Service that are on this node, or in its pool, where the Service asks for
 * that. Without a pool the node is the pool. A slice may then be empty; it is still there.
 */
export function servicetopology(node: FilterNode): Filter {
  const pool = ownPool(node);
  const near = (topology: Topology, lookups: Lookups): ReadonlySet<string> => {
    const own = topology === "pool" ? pool(lookups) : undefined;
    return own?.nodes ?? new Set([node.nodeName]);
  };
  return defineFilter({
    name: "servicetopology",
    components: ["kube-proxy", "coredns", "nginx-ingress-controller"],
    resources: [{ group: "discovery.k8s.io", resource: "endpointslices" }, { group: "", resource: "endpoints" }],
    lookups: [topologyLookup, poolsLookup],
    concerns: (meta, lookups) => topologyOf(meta, lookups) !== undefined,
    apply: (object, lookups) => {
      const topology = topologyOf(metaOf(object), lookups);
      if (topology === undefined) return object;
      const nodes = near(topology, lookups);
      return "subsets" in object ? nearSubsets(object, nodes) : nearEndpoints(object, nodes);
    },
  });
}

function topologyOf({ kind, namespace, name, labels }: FilterMeta, lookups: Lookups): Topology | undefined {
  const service = kind === "Endpoints" ? name : labels[serviceNameLabel];
  return service === undefined ? undefined : lookups.get(topologyLookup, `${namespace}/${service}`);
}

function metaOf(object: FilterObject): FilterMeta {
  const metadata = objectAt(object, "metadata");
  const service = objectAt(metadata, "labels")[serviceNameLabel];
  return {
    kind: textAt(object, "kind"),
    namespace: textAt(metadata, "namespace"),
    name: textAt(metadata, "name"),
    labels: typeof service === "string" ? { [serviceNameLabel]: service } : {},
  };
}

function nearEndpoints(slice: FilterObject, nodes: ReadonlySet<string>): FilterObject {
  const near = withObjects(slice["endpoints"], (endpoint) => nodes.has(nodeOf(endpoint)) ? endpoint : undefined);
  return withMember(slice, "endpoints", near);
}

/** One that is on no node is near none. In discovery.k8s.io/v1beta1 the node stood among the topology. */
function nodeOf(endpoint: FilterObject): string {
  return textAt(endpoint, "nodeName") || textAt(objectAt(endpoint, "topology"), hostnameKey);
}

function nearSubsets(endpoints: FilterObject, nodes: ReadonlySet<string>): FilterObject {
  const subsets = withObjects(endpoints["subsets"], (subset) => {
    let near = subset;
    for (const addresses of ["addresses", "notReadyAddresses"]) {
      const kept = withObjects(subset[addresses], (address) => nodes.has(nodeOf(address)) ? address : undefined);
      near = Array.isArray(kept) && kept.length === 0 ? without(near, addresses) : withMember(near, addresses, kept);
    }
    return "addresses" in near || "notReadyAddresses" in near ? near : undefined;
  });
  return withMember(endpoints, "subsets", subsets);
}

function without(object: FilterObject, key: string): FilterObject {
  const { [key]: _, ...rest } = object;
  return rest;
}
