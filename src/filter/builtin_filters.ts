import { discardcloudservice } from "./discardcloudservice/discardcloudservice.ts";
import type { Filter } from "./filter.ts";
import { forwardkubesvctraffic } from "./forwardkubesvctraffic/forwardkubesvctraffic.ts";
import { hostnetworkpropagation } from "./hostnetworkpropagation/hostnetworkpropagation.ts";
import type { HubAddress } from "./hub_address.ts";
import { inclusterconfig } from "./inclusterconfig/inclusterconfig.ts";
import { masterservice } from "./masterservice/masterservice.ts";
import { nodeportisolation } from "./nodeportisolation/nodeportisolation.ts";
import type { FilterNode } from "./pool.ts";
import { serviceenvupdater } from "./serviceenvupdater/serviceenvupdater.ts";
import { servicetopology } from "./servicetopology/servicetopology.ts";

/** In the order in which they follow each other. */
export const builtinFilterNames: readonly string[] = [
  "masterservice",
  "discardcloudservice",
  "nodeportisolation",
  "servicetopology",
  "forwardkubesvctraffic",
  "inclusterconfig",
  "serviceenvupdater",
  "hostnetworkpropagation",
];

/** Those that lead pods to the hub. */
const leadingToHub: readonly string[] = [
  "masterservice",
  "forwardkubesvctraffic",
  "inclusterconfig",
  "serviceenvupdater",
];
/** Those that a hub in the cloud does not have, as YurtHub's does not. */
const edgeOnly: readonly string[] = [
  "discardcloudservice",
  "forwardkubesvctraffic",
  "serviceenvupdater",
  "hostnetworkpropagation",
];
/** What `--access-server-through-hub` switches. */
const throughHub: readonly string[] = ["masterservice", "inclusterconfig"];

export interface BuiltinFilterOptions {
  readonly node: FilterNode;
  /** Missing where pods can't reach the hub, or would not believe it: what would lead them there stays off. */
  readonly address?: HubAddress;
  readonly workingMode: "edge" | "cloud";
  readonly accessServerThroughHub: boolean;
}

/** The filters that a hub has by itself, in their order. */
export function builtinFilters(options: BuiltinFilterOptions): readonly Filter[] {
  const { node, address, workingMode, accessServerThroughHub } = options;
  const toHub = address === undefined
    ? []
    : [masterservice(address), forwardkubesvctraffic(address), inclusterconfig, serviceenvupdater(address)];
  const own = [discardcloudservice, nodeportisolation(node), servicetopology(node), hostnetworkpropagation(node)];
  return [...toHub, ...own]
    .filter(({ name }) => workingMode === "edge" || !edgeOnly.includes(name))
    .filter(({ name }) => accessServerThroughHub || !throughHub.includes(name))
    .sort((a, b) => builtinFilterNames.indexOf(a.name) - builtinFilterNames.indexOf(b.name));
}

/** Those that stay off without an address of the hub. */
export function needsAddress(name: string): boolean {
  return leadingToHub.includes(name);
}
