import type { Filter } from "../filter/filter.ts";
import type { HubAddress } from "../filter/hub_address.ts";

/** Where pods reach the hub's TLS port, as long as they can and believe its certificate. */
export interface HubAddressSource {
  /** Missing while they can't: the filters that lead them there are off. */
  readonly current: HubAddress | undefined;
  /** Why it is missing, for `/readyz?verbose`. */
  readonly why: string;
  /** Calls back after each change. */
  onChange(changed: () => void): void;
}

/** Which filters a hub has, and for whom. */
export interface FiltersOptions {
  /** Names of those that stay off; `*` for all. @default none */
  readonly disabled?: readonly string[];
  /** Whether pods shall reach the API server through the hub: masterservice and inclusterconfig. @default {true} */
  readonly accessServerThroughHub?: boolean;
  /** @default none: the filters that lead pods to the hub are off */
  readonly address?: HubAddressSource;
  /** @default the pool that the cluster has this node in */
  readonly nodePoolName?: string;
  /** Of the ConfigMap `yurt-hub-cfg`. @default {"kube-system"} */
  readonly namespace?: string;
  /** Components that may be answered from the replica. @default all, or as `yurt-hub-cfg` says */
  readonly cacheAgents?: readonly string[];
  /** One's own, behind the built-in ones. */
  readonly own?: readonly Filter[];
}
