import type { JsonView } from "./json_view.ts";
import {
  AGE,
  ageOf,
  column,
  labelCell,
  listWithMore,
  NAME,
  nameOf,
  selectorCell,
  type TablePrinter,
  wide,
} from "./table_printer.ts";

export const SERVICES: TablePrinter = {
  columns: [
    NAME,
    column(
      "Type",
      'type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, ClusterIP, NodePort, and LoadBalancer. "ClusterIP" allocates a cluster-internal IP address for load-balancing to endpoints. Endpoints are determined by the selector or if that is not specified, by manual construction of an Endpoints object or EndpointSlice objects. If clusterIP is "None", no virtual IP is allocated and the endpoints are published as a set of endpoints rather than a virtual IP. "NodePort" builds on ClusterIP and allocates a port on every node which routes to the same endpoints as the clusterIP. "LoadBalancer" builds on NodePort and creates an external load-balancer (if supported in the current cloud) which routes to the same endpoints as the clusterIP. "ExternalName" aliases this service to the specified externalName. Several other fields do not apply to ExternalName services. More info: https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types',
    ),
    column(
      "Cluster-IP",
      'clusterIP is the IP address of the service and is usually assigned randomly. If an address is specified manually, is in-range (as per system configuration), and is not in use, it will be allocated to the service; otherwise creation of the service will fail. This field may not be changed through updates unless the type field is also being changed to ExternalName (which requires this field to be blank) or the type field is being changed from ExternalName (in which case this field may optionally be specified, as describe above).  Valid values are "None", empty string (""), or a valid IP address. Setting this to "None" makes a "headless service" (no virtual IP), which is useful when direct endpoint connections are preferred and proxying is not required.  Only applies to types ClusterIP, NodePort, and LoadBalancer. If this field is specified when creating a Service of type ExternalName, creation will fail. This field will be wiped when updating a Service to type ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies',
    ),
    column(
      "External-IP",
      "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this service.  These IPs are not managed by Kubernetes.  The user is responsible for ensuring that traffic arrives at a node with this IP.  A common example is external load-balancers that are not part of the Kubernetes system.",
    ),
    column(
      "Port(s)",
      "The list of ports that are exposed by this service. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
    ),
    AGE,
    wide(
      "Selector",
      "Route service traffic to pods with label keys and values matching this selector. If empty or not present, the service is assumed to have an external process managing its endpoints, which Kubernetes will not modify. Only applies to types ClusterIP, NodePort, and LoadBalancer. Ignored if type is ExternalName. More info: https://kubernetes.io/docs/concepts/services-networking/service/",
    ),
  ],
  row: (object, nowMs) => {
    const spec = object.at("spec");
    return {
      cells: [
        nameOf(object),
        spec.at("type").text(),
        (spec.at("clusterIPs").texts()[0] ?? spec.at("clusterIP").text()) || "<none>",
        externalIp(object),
        spec.at("ports").items().map(portText).join(",") || "<none>",
        ageOf(object, nowMs),
        labelCell(spec.at("selector")),
      ],
    };
  },
};

export const ENDPOINTS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Endpoints",
      "The set of all endpoints is the union of all subsets. Addresses are placed into subsets according to the IPs they share. A single address with multiple ports, some of which are ready and some of which are not (because they come from different containers) will result in the address being displayed in different subsets for the different ports. No address will appear in both Addresses and NotReadyAddresses in the same subset. Sets of addresses and ports that comprise a service.",
    ),
    AGE,
  ],
  row: (object, nowMs) => ({ cells: [nameOf(object), subsetsCell(object), ageOf(object, nowMs)] }),
};

export const ENDPOINT_SLICES: TablePrinter = {
  columns: [
    NAME,
    column(
      "AddressType",
      'addressType specifies the type of address carried by this EndpointSlice. All addresses in this slice must be the same type. This field is immutable after creation. The following address types are currently supported: * IPv4: Represents an IPv4 Address. * IPv6: Represents an IPv6 Address. * FQDN: Represents a Fully Qualified Domain Name. (Deprecated) The EndpointSlice controller only generates, and kube-proxy only processes, slices of addressType "IPv4" and "IPv6". No semantics are defined for the "FQDN" type.',
    ),
    column(
      "Ports",
      "ports specifies the list of network ports exposed by each endpoint in this slice. Each port must have a unique name. Each slice may include a maximum of 100 ports. Services always have at least 1 port, so EndpointSlices generated by the EndpointSlice controller will likewise always have at least 1 port. EndpointSlices used for other purposes may have an empty ports list.",
    ),
    column(
      "Endpoints",
      "endpoints is a list of unique endpoints in this slice. Each slice may include a maximum of 1000 endpoints.",
    ),
    AGE,
  ],
  row: (object, nowMs) => {
    const addresses = object.at("endpoints").items().flatMap((endpoint) => endpoint.at("addresses").texts());
    const ports = object.at("ports").items().map((port) => port.at("port").text(port.at("name").text("*")));
    return {
      cells: [
        nameOf(object),
        object.at("addressType").text(),
        listWithMore(ports) || "<unset>",
        listWithMore(addresses) || "<unset>",
        ageOf(object, nowMs),
      ],
    };
  },
};

export const INGRESSES: TablePrinter = {
  columns: [
    NAME,
    column("Class", "The name of the IngressClass resource that should be used for additional configuration"),
    column("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
    column("Address", "Address is a list containing ingress points for the load-balancer"),
    column("Ports", "Ports of TLS configurations that open"),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [
      nameOf(object),
      object.at("spec", "ingressClassName").text("<none>"),
      hosts(object.at("spec", "rules").items()),
      loadBalancerAddresses(object).join(","),
      object.at("spec", "tls").items().length > 0 ? "80, 443" : "80",
      ageOf(object, nowMs),
    ],
  }),
};

export const INGRESS_CLASSES: TablePrinter = {
  columns: [
    NAME,
    column("Controller", "Controller that is responsible for handling this class"),
    column("Parameters", "A reference to a resource with additional parameters"),
    AGE,
  ],
  row: (object, nowMs) => {
    const isDefault =
      object.at("metadata", "annotations", "ingressclass.kubernetes.io/is-default-class").text() === "true";
    return {
      cells: [
        nameOf(object) + (isDefault ? " (default)" : ""),
        object.at("spec", "controller").text(),
        parameters(object.at("spec", "parameters")),
        ageOf(object, nowMs),
      ],
    };
  },
};

export const NETWORK_POLICIES: TablePrinter = {
  columns: [
    NAME,
    column(
      "Pod-Selector",
      "podSelector selects the pods to which this NetworkPolicy object applies. The array of rules is applied to any pods selected by this field. An empty selector matches all pods in the policy's namespace. Multiple network policies can select the same set of pods. In this case, the ingress rules for each are combined additively. This field is optional. If it is not specified, it defaults to an empty selector.",
    ),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), selectorCell(object.at("spec", "podSelector")), ageOf(object, nowMs)],
  }),
};

function externalIp(service: JsonView): string {
  const external = service.at("spec", "externalIPs").texts();
  switch (service.at("spec", "type").text()) {
    case "ClusterIP":
    case "NodePort":
      return external.join(",") || "<none>";
    case "LoadBalancer":
      return [...loadBalancerAddresses(service), ...external].join(",") || "<pending>";
    case "ExternalName":
      return service.at("spec", "externalName").text();
    default:
      return "<unknown>";
  }
}

/** Sorted, without duplicates. */
function loadBalancerAddresses(object: JsonView): readonly string[] {
  const ingress = object.at("status", "loadBalancer", "ingress").items();
  const addresses = ingress.map((point) => point.at("ip").text() || point.at("hostname").text());
  return [...new Set(addresses.filter((address) => address !== ""))].toSorted();
}

function portText(port: JsonView): string {
  const nodePort = port.at("nodePort").number();
  return `${port.at("port").number()}${nodePort > 0 ? `:${nodePort}` : ""}/${port.at("protocol").text()}`;
}

function subsetsCell(endpoints: JsonView): string {
  const subsets = endpoints.at("subsets").items();
  if (subsets.length === 0) return "<none>";
  return listWithMore(subsets.flatMap((subset) => {
    const addresses = subset.at("addresses").items().map((address) => address.at("ip").text());
    const ports = subset.at("ports").items().map((port) => port.at("port").number());
    if (ports.length === 0) return addresses;
    return ports.flatMap((port) => addresses.map((ip) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)));
  }));
}

function hosts(rules: readonly JsonView[]): string {
  const named: string[] = [];
  for (const rule of rules) {
    const host = rule.at("host").text();
    // All rules count here, those without a host too.
    if (named.length === 3) return `${named.join(",")} + ${rules.length - 3} more...`;
    if (host !== "") named.push(host);
  }
  return named.join(",") || "*";
}

function parameters(reference: JsonView): string {
  if (!reference.exists) return "<none>";
  const group = reference.at("apiGroup");
  const kind = reference.at("kind").text() + (group.exists ? `.${group.text()}` : "");
  return `${kind}/${reference.at("name").text()}`;
}
