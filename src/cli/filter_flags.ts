import type { FiltersOptions } from "../hub/filters_options.ts";
import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";

const group = "Filters";

/** Flags of what local components get otherwise than the cloud has it. */
export const filterFlags: readonly Flag[] = [
  {
    name: "enable-resource-filter",
    type: "boolean",
    default: "true",
    help: "filters of objects on their way to local components",
    group,
  },
  {
    name: "disabled-resource-filters",
    type: "list",
    default: "",
    placeholder: "NAME",
    help: "filters that stay off; * for all",
    group,
  },
  {
    name: "access-server-through-hub",
    type: "boolean",
    default: "true",
    help: "pods reach the API server through the hub: the filters masterservice and inclusterconfig",
    group,
  },
  {
    name: "nodepool-name",
    type: "string",
    default: "",
    defaultHelp: "the pool that the cluster has this node in",
    placeholder: "NAME",
    help: "pool of this node",
    group,
  },
  {
    name: "namespace",
    type: "string",
    default: "kube-system",
    placeholder: "NAMESPACE",
    help: "namespace of the ConfigMap yurt-hub-cfg, which adds components to filters and to cache agents at run time",
    group,
  },
  {
    name: "cache-agents",
    type: "list",
    default: "",
    defaultHelp: "all, or as yurt-hub-cfg says",
    placeholder: "NAME",
    help: "components that may be answered from the replica on the plain port",
    group,
  },
];

/** What the flags say of filters. */
export function filtersOptions(values: FlagValues): FiltersOptions {
  const nodePoolName = values.string("nodepool-name");
  const cacheAgents = values.list("cache-agents");
  return {
    disabled: values.boolean("enable-resource-filter") ? values.list("disabled-resource-filters") : ["*"],
    accessServerThroughHub: values.boolean("access-server-through-hub"),
    namespace: values.string("namespace"),
    ...(nodePoolName === "" ? {} : { nodePoolName }),
    ...(cacheAgents.length === 0 ? {} : { cacheAgents }),
  };
}
