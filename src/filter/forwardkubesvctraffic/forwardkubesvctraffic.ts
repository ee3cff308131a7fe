import { defineFilter, type Filter } from "../filter.ts";
import { type HubAddress, withHubPort } from "../hub_address.ts";
import { textAt, withMember } from "../read_object.ts";

/** kube-proxy leads the traffic of the Service `default/kubernetes` to the hub. */
export function forwardkubesvctraffic(address: HubAddress): Filter {
  const addressType = address.host.includes(":") ? "IPv6" : "IPv4";
  return defineFilter({
    name: "forwardkubesvctraffic",
    components: ["kube-proxy"],
    resources: [{ group: "discovery.k8s.io", resource: "endpointslices" }],
    concerns: ({ namespace, name }) => namespace === "default" && name === "kubernetes",
    apply: (slice) => {
      if (textAt(slice, "addressType") !== addressType) return slice;
      const endpoints = [{ addresses: [address.host], conditions: { ready: true } }];
      return withMember({ ...slice, endpoints }, "ports", withHubPort(slice["ports"], address));
    },
  });
}
