import type { JsonView } from "./json_view.ts";
import { AGE, ageOf, column, NAME, nameOf, type TablePrinter, wide } from "./table_printer.ts";

export const NODES: TablePrinter = {
  columns: [
    NAME,
    column("Status", "The status of the node"),
    column("Roles", "The roles of the node"),
    AGE,
    column("Version", "Kubelet Version reported by the node."),
    wide(
      "Internal-IP",
      "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP).",
    ),
    wide(
      "External-IP",
      "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP).",
    ),
    wide("OS-Image", "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy))."),
    wide("Kernel-Version", "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64)."),
    wide(
      "Container-Runtime",
      "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).",
    ),
  ],
  row: (object, nowMs) => {
    const info = object.at("status", "nodeInfo");
    const architecture = info.at("architecture").text();
    const kernel = info.at("kernelVersion").text() || "<unknown>";
    return {
      cells: [
        nameOf(object),
        nodeStatus(object),
        nodeRoles(object),
        ageOf(object, nowMs),
        info.at("kubeletVersion").text(),
        nodeAddress(object, "InternalIP"),
        nodeAddress(object, "ExternalIP"),
        info.at("osImage").text() || "<unknown>",
        architecture === "" ? kernel : `${kernel} (${architecture})`,
        info.at("containerRuntimeVersion").text() || "<unknown>",
      ],
    };
  },
};

export const NAMESPACES: TablePrinter = {
  columns: [
    NAME,
    column("Status", "The status of the namespace"),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), object.at("status", "phase").text(), ageOf(object, nowMs)],
  }),
};

export const CONFIG_MAPS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Data",
      "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap with the keys in the BinaryData field, this is enforced during validation process.",
    ),
    AGE,
  ],
  row: (object, nowMs) => {
    const count = object.at("data").entries().length + object.at("binaryData").entries().length;
    return { cells: [nameOf(object), count, ageOf(object, nowMs)] };
  },
};

export const SECRETS: TablePrinter = {
  columns: [
    NAME,
    column(
      "Type",
      "Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types",
    ),
    column(
      "Data",
      "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'. The serialized form of the secret data is a base64 encoded string, representing the arbitrary (possibly non-string) data value here. Described in https://tools.ietf.org/html/rfc4648#section-4",
    ),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), object.at("type").text(), object.at("data").entries().length, ageOf(object, nowMs)],
  }),
};

export const SERVICE_ACCOUNTS: TablePrinter = {
  columns: [
    NAME,
    AGE,
  ],
  row: (object, nowMs) => ({ cells: [nameOf(object), ageOf(object, nowMs)] }),
};

export const RESOURCE_QUOTAS: TablePrinter = {
  columns: [
    NAME,
    column("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
    column(
      "Limit",
      "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
    ),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), quotaCell(object, "requests"), quotaCell(object, "limits"), ageOf(object, nowMs)],
  }),
};

export const LEASES: TablePrinter = {
  columns: [
    NAME,
    column(
      "Holder",
      "holderIdentity contains the identity of the holder of a current lease. If Coordinated Leader Election is used, the holder identity must be equal to the elected LeaseCandidate.metadata.name field.",
    ),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [nameOf(object), object.at("spec", "holderIdentity").text(), ageOf(object, nowMs)],
  }),
};

export const PRIORITY_CLASSES: TablePrinter = {
  columns: [
    NAME,
    column(
      "Value",
      "value represents the integer value of this priority class. This is the actual priority that pods receive when they have the name of this class in their pod spec.",
      "integer",
    ),
    column(
      "Global-Default",
      "globalDefault specifies whether this PriorityClass should be considered as the default priority for pods that do not have any priority class. Only one PriorityClass can be marked as `globalDefault`. However, if more than one PriorityClasses exists with their `globalDefault` field set to true, the smallest value of such global default PriorityClasses will be used as the default priority.",
      "boolean",
    ),
    AGE,
    column(
      "PreemptionPolicy",
      "preemptionPolicy is the Policy for preempting pods with lower priority. One of Never, PreemptLowerPriority. Defaults to PreemptLowerPriority if unset.",
    ),
  ],
  row: (object, nowMs) => ({
    cells: [
      nameOf(object),
      object.at("value").number(),
      object.at("globalDefault").flag(),
      ageOf(object, nowMs),
      object.at("preemptionPolicy").text(),
    ],
  }),
};

export const RUNTIME_CLASSES: TablePrinter = {
  columns: [
    NAME,
    column("Handler", ""),
    AGE,
  ],
  row: (object, nowMs) => ({ cells: [nameOf(object), object.at("handler").text(), ageOf(object, nowMs)] }),
};

export const POD_DISRUPTION_BUDGETS: TablePrinter = {
  columns: [
    NAME,
    column("Min Available", "The minimum number of pods that must be available."),
    column("Max Unavailable", "The maximum number of pods that may be unavailable."),
    column("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time.", "integer"),
    AGE,
  ],
  row: (object, nowMs) => ({
    cells: [
      nameOf(object),
      object.at("spec", "minAvailable").text("N/A"),
      object.at("spec", "maxUnavailable").text("N/A"),
      object.at("status", "disruptionsAllowed").number(),
      ageOf(object, nowMs),
    ],
  }),
};

function nodeStatus(node: JsonView): string {
  // The last condition of a type counts here.
  const ready = node.at("status", "conditions").items().findLast((condition) =>
    condition.at("type").text() === "Ready"
  );
  const status = ready === undefined ? "Unknown" : ready.at("status").text() === "True" ? "Ready" : "NotReady";
  return node.at("spec", "unschedulable").flag() ? `${status},SchedulingDisabled` : status;
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(node: JsonView): string {
  const roles = new Set<string>();
  for (const [key, value] of node.at("metadata", "labels").entries()) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role") roles.add(value.text());
  }
  roles.delete("");
  return [...roles].toSorted().join(",") || "<none>";
}

function nodeAddress(node: JsonView, type: string): string {
  const addresses = node.at("status", "addresses").items();
  return addresses.find((address) => address.at("type").text() === type)?.at("address").text() ?? "<none>";
}

function quotaCell(quota: JsonView, column: "requests" | "limits"): string {
  const used = quota.at("status", "used");
  return quota.at("status", "hard").entries()
    .filter(([resource]) => resource.startsWith("limits.") === (column === "limits"))
    .map(([resource, hard]) => `${resource}: ${used.at(resource).text("0")}/${hard.text("0")}`).join(", ");
}
