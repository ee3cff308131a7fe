import { builtinFilterNames, builtinFilters, needsAddress } from "../filter/builtin_filters.ts";
import type { Filter, FilteredResource, Lookup } from "../filter/filter.ts";
import { FilterChain, type FilterFailure } from "../filter/filter_chain.ts";
import { FilterPlan } from "../filter/filter_plan.ts";
import { cacheAgentsIn, type HubConfig, noHubConfig, readHubConfig } from "../filter/hub_config.ts";
import type { HubAddress } from "../filter/hub_address.ts";
import type { LookupTable, LookupTables } from "../filter/lookup_tables.ts";
import { objectAt } from "../filter/read_object.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { ObjectFilter, WatchFilter } from "../replica/object_filter.ts";
import type { Replica } from "../replica/replica.ts";
import type { Call } from "./call.ts";
import { componentOf } from "./component.ts";
import { FilterLookups } from "./filter_lookups.ts";
import { FilterPositions } from "./filter_positions.ts";
import type { FiltersOptions } from "./filters_options.ts";
import type { WorkingMode } from "./hub_link.ts";

export interface FiltersSurroundings {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly workingMode: WorkingMode;
}

interface Chosen {
  readonly filters: readonly Filter[];
  readonly tables: LookupTables;
  readonly chain: ObjectFilter | undefined;
  generation: number;
}

const reads = ["get", "list", "watch"];
/** Components with filters at most: a client names itself. */
const maxChosen = 1_000;

/** The filters of a hub: which request goes through which, as `yurt-hub-cfg` and what filters look up say at the moment. */
export class Filters {
  readonly #options: FiltersOptions;
  readonly #around: FiltersSurroundings;
  readonly #configLookup: Lookup<Readonly<Record<string, string>>>;
  readonly #lookups: FilterLookups;
  readonly #resources: ReadonlySet<string>;
  readonly #positions = new FilterPositions();
  readonly #chosen = new Map<string, Chosen>();
  readonly #listeners = new Set<() => void>();
  readonly #failures = new Map<string, number>();
  #config: HubConfig = noHubConfig;
  #configTable: LookupTable | undefined;
  #address: HubAddress | undefined;
  #plan: FilterPlan;
  #generation = 0;

  /** @throws TypeError where two filters have one name */
  constructor(options: FiltersOptions, around: FiltersSurroundings) {
    this.#options = options;
    this.#around = around;
    this.#configLookup = configLookup(options.namespace ?? "kube-system");
    this.#lookups = new FilterLookups({ ...around, changed: () => this.#changed() });
    const { own = [] } = options;
    const names = filterNames(options);
    const twice = own.find(({ name }, at) => names.indexOf(name) !== builtinFilterNames.length + at);
    if (twice !== undefined) throw new TypeError(`There are two filters ${twice.name}`);
    // Those that are off for now may come on.
    const possible = this.#filters({ host: "", port: 0 });
    this.#resources = new Set(possible.flatMap(({ resources }) => resources).map(keyOf));
    this.#address = options.address?.current;
    this.#plan = new FilterPlan(this.#filters(this.#address), this.#config);
    options.address?.onChange(() => this.#changed());
  }

  /** Begins to follow `yurt-hub-cfg`. */
  start(): void {
    this.#lookups.follow(this.#configLookup);
  }

  /** How often each filter has thrown. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  /** What a request's objects go through: nothing where nobody's reads of them are ever filtered. */
  of(call: Call): WatchFilter | undefined {
    if (!this.#isFiltered(call)) return undefined;
    const { group, resource } = call.info;
    const component = componentOf(call);
    const key = `${component} ${keyOf(call.info)}`;
    let chain: ObjectFilter | undefined;
    let asOf = -1;
    const now = () => {
      if (asOf === this.#generation) return chain; // watches ask at each turn
      asOf = this.#generation;
      chain = this.#chain(component, { group, resource });
      return chain;
    };
    return {
      now,
      isUnknownAt: (resourceVersion) =>
        (now() !== undefined || this.#positions.knows(key)) && this.#positions.isUnknownAt(key, resourceVersion),
      gave: (resourceVersion) => {
        if (now() !== undefined) this.#positions.gave(key, resourceVersion);
      },
      leftBehind: (resourceVersion) => this.#positions.leftBehind(key, resourceVersion),
    };
  }

  /** Notes that a request is answered with the state at a version. */
  gave(call: Call, resourceVersion: string): void {
    this.of(call)?.gave(resourceVersion);
  }

  /** Whether a read may be answered from the replica: of service accounts their grants decide. */
  mayAnswer(call: Call): boolean {
    if (call.caller.token !== undefined) return true;
    const { cacheAgents } = this.#config.cacheAgents !== undefined
      ? this.#config
      : cacheAgentsIn(this.#options.cacheAgents?.join());
    return cacheAgents === undefined || !reads.includes(call.info.verb) || cacheAgents.has(componentOf(call));
  }

  /** Whether nothing of what decides about a request is still to come. Begins to follow what was not needed before. */
  isSettled(call: Call): boolean {
    const { state } = this.#lookups.follow(this.#configLookup);
    return state !== "waiting" && this.#planned(call).every((filter) => this.#lookups.isComplete(filter));
  }

  /** Whether something is being read that is held of what filters look up. */
  get isReading(): boolean {
    return this.#lookups.isReading;
  }

  /** The filter that a request cannot be answered without, and that does not know yet what it looks up. */
  waitingFor(call: Call): string | undefined {
    return this.#planned(call).find((filter) => this.#lookups.stateOf(filter) === "waiting")?.name;
  }

  /** Calls back after each change of what is filtered, and how. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Which filters are off that should not be, and why. */
  problems(): readonly string[] {
    const { address } = this.#options;
    const isOn = (name: string) => !this.#isDisabled(name);
    const led = address?.current === undefined
      ? builtinFilterNames.filter((name) => needsAddress(name) && isOn(name))
      : [];
    const refused = this.#plan.filters.filter((filter) => this.#lookups.isRefused(filter)).map(({ name }) => name);
    const config = this.#lookups.isRefusedLookup(this.#configLookup);
    return [
      ...(led.length === 0 ? [] : [`${led.join(", ")}: ${address?.why ?? "pods cannot reach the hub"}`]),
      ...refused.map((name) => `${name}: the node may not read what it looks up`),
      ...(config ? ["yurt-hub-cfg: the node may not read it, the defaults hold"] : []),
      ...this.#config.problems,
    ];
  }

  close(): void {
    this.#lookups.close();
  }

  #planned(call: Call): readonly Filter[] {
    return this.#plan.filtersFor(componentOf(call), call.info);
  }

  #isFiltered({ info }: Call): boolean {
    return info.isResource && this.#resources.has(keyOf(info)) && reads.includes(info.verb) &&
      (info.subresource === "" || info.subresource === "status");
  }

  #isDisabled(name: string): boolean {
    const { disabled = [] } = this.#options;
    return disabled.includes("*") || disabled.includes(name);
  }

  #filters(address: HubAddress | undefined): readonly Filter[] {
    const { accessServerThroughHub = true, nodePoolName = "", own = [] } = this.#options;
    const { nodeName, workingMode } = this.#around;
    const node = { nodeName, nodePoolName };
    const placed = address === undefined ? {} : { address };
    const builtin = builtinFilters({ node, workingMode, accessServerThroughHub, ...placed });
    return [...builtin, ...own].filter(({ name }) => !this.#isDisabled(name));
  }

  /** What counts for a component and a resource now; the same as long as nothing has changed for them. */
  #chain(component: string, resource: FilteredResource): ObjectFilter | undefined {
    const key = `${component} ${keyOf(resource)}`;
    const known = this.#chosen.get(key);
    const generation = this.#generation;
    if (known?.generation === generation) return known.chain;
    const { tables } = this.#lookups;
    const filters = this.#plan.filtersFor(component, resource).filter((one) => this.#lookups.stateOf(one) === "ready");
    if (known !== undefined && isSame(known, { filters, tables })) {
      known.generation = generation;
      return known.chain;
    }
    if (filters.length === 0 && known === undefined) return undefined;
    const failed = (failure: FilterFailure) => this.#failed(failure);
    const chain = filters.length === 0 ? undefined : new FilterChain({ filters, lookups: tables, failed });
    if (this.#chosen.size >= maxChosen) this.#chosen.clear();
    this.#chosen.set(key, { filters, tables, chain, generation });
    return chain;
  }

  #failed({ filter, object, cause }: FilterFailure): void {
    this.#failures.set(filter, (this.#failures.get(filter) ?? 0) + 1);
    const error = cause instanceof Error ? cause.message : String(cause);
    this.#around.logger.log("error", "A filter has failed", { filter, object, error });
  }

  /** Another address, or another `yurt-hub-cfg`. */
  #replan(): void {
    const table = this.#lookups.tables.tableOf(this.#configLookup);
    const address = this.#options.address?.current;
    const moved = address?.host !== this.#address?.host || address?.port !== this.#address?.port;
    if (table === this.#configTable && !moved) return;
    const filters = moved ? this.#filters(address) : this.#plan.filters;
    this.#address = address;
    this.#configTable = table;
    const [data] = this.#lookups.tables.values(this.#configLookup);
    this.#config = data === undefined ? noHubConfig : readHubConfig(data, filterNames(this.#options));
    this.#plan = new FilterPlan(filters, this.#config);
    const { components, problems } = this.#config;
    this.#around.logger.log("info", "Who gets which filters has changed", {
      filters: filters.map(({ name }) => name),
      added: Object.fromEntries(components),
      problems,
    });
  }

  #changed(): void {
    this.#replan();
    this.#generation += 1;
    const { replica } = this.#around;
    this.#positions.changed((key) => {
      const [group = "", resource = ""] = (key.split(" ")[1] ?? "").split("/");
      return replica.of({ group, resource }).highestVersion();
    });
    for (const collection of replica.collections()) {
      if (this.#resources.has(keyOf(collection.query))) collection.wake();
    }
    for (const listener of [...this.#listeners]) listener();
  }
}

function keyOf({ group, resource }: FilteredResource): string {
  return `${group}/${resource}`;
}

function filterNames({ own = [] }: FiltersOptions): readonly string[] {
  return [...builtinFilterNames, ...own.map(({ name }) => name)];
}

function isSame(
  known: Pick<Chosen, "filters" | "tables">,
  { filters, tables }: Pick<Chosen, "filters" | "tables">,
): boolean {
  return known.filters.length === filters.length &&
    filters.every((filter, at) =>
      filter === known.filters[at] &&
      filter.lookups.every((lookup) => known.tables.tableOf(lookup) === tables.tableOf(lookup))
    );
}

function configLookup(namespace: string): Lookup<Readonly<Record<string, string>>> {
  return {
    name: "yurt-hub-cfg",
    optional: true,
    sources: [{
      group: "",
      version: "v1",
      resource: "configmaps",
      namespace,
      fieldSelector: "metadata.name=yurt-hub-cfg",
      select: (object) => {
        const entries = Object.entries(objectAt(object, "data"));
        return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
      },
    }],
  };
}
