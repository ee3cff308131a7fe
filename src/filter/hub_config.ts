/** What the ConfigMap `yurt-hub-cfg` says. */
export interface HubConfig {
  /** Components that may be answered from the replica; nothing where it does not say: then all may. */
  readonly cacheAgents?: ReadonlySet<string>;
  /** Components that filters get besides their own, by the filter's name. */
  readonly components: ReadonlyMap<string, readonly string[]>;
  /** Entries that cannot be meant. */
  readonly problems: readonly string[];
}

/** Always among the cache agents, as for YurtHub. */
const defaultAgents = ["kubelet", "kube-proxy", "flanneld", "coredns", "raven-agent-ds", "yurttunnel-agent", "yurthub"];
const prefix = "filter_";

/** Where there is no such ConfigMap. */
export const noHubConfig: HubConfig = { components: new Map(), problems: [] };

/**
 * Reads the data of `yurt-hub-cfg`: `cache_agents` with components, and for each filter `NAME` or `filter_NAME` with
 * components. Of the form of v0.7, `COMPONENT/RESOURCE#VERB;VERB`, the component counts.
 *
 * @param filters names of those that there are
 */
export function readHubConfig(data: Readonly<Record<string, string>>, filters: readonly string[]): HubConfig {
  const components = new Map<string, readonly string[]>();
  const problems: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : key;
    if (filters.includes(name)) {
      components.set(name, [...(components.get(name) ?? []), ...componentsIn(value)]);
    } else if (key.startsWith(prefix)) {
      problems.push(`There is no filter ${name}`);
    }
  }
  return { ...cacheAgentsIn(data["cache_agents"]), components, problems };
}

/** Components in a list with commas: without spaces, in lower case. */
function componentsIn(list: string): readonly string[] {
  const named = list.split(",").map((one) => (one.split("/")[0] ?? "").trim().toLowerCase());
  return [...new Set(named.filter((one) => one !== ""))];
}

/** @param list nothing, an empty one or one with `*` for all */
export function cacheAgentsIn(list: string | undefined): Pick<HubConfig, "cacheAgents"> {
  const agents = componentsIn(list ?? "");
  return agents.length === 0 || agents.includes("*") ? {} : { cacheAgents: new Set([...defaultAgents, ...agents]) };
}
