import { defineFilter, type Filter, type FilterObject } from "../filter.ts";
import { type HubAddress, withHubPort } from "../hub_address.ts";
import { objectAt, withMember } from "../read_object.ts";

/**
 * kubelet sees the Service `default/kubernetes` at the hub's address: pods that use the in-cluster configuration then reach
 * the hub without change.
 */
export function masterservice(address: HubAddress): Filter {
  return defineFilter({
    name: "masterservice",
    components: ["kubelet"],
    resources: [{ group: "", resource: "services" }],
    concerns: ({ namespace, name }) => namespace === "default" && name === "kubernetes",
    apply: (service) => ({ ...service, spec: atHub(objectAt(service, "spec"), address) }),
  });
}

function atHub(spec: FilterObject, address: HubAddress): FilterObject {
  const placed = { ...spec, clusterIP: address.host, clusterIPs: [address.host] };
  return withMember(placed, "ports", withHubPort(spec["ports"], address));
}
