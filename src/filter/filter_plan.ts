import type { Filter, FilteredResource } from "./filter.ts";
import type { HubConfig } from "./hub_config.ts";

/** Components whose reads are never filtered: the hub's own. */
const never: readonly string[] = ["yurthub", "holdfast"];

/** Which component gets which filters. It never changes: after a change there is another. */
export class FilterPlan {
  readonly filters: readonly Filter[];
  readonly #components: ReadonlyMap<Filter, ReadonlySet<string>>;

  /**
   * @param filters those that are on, in the order in which they follow each other
   * @param config adds components to those of the filters themselves
   */
  constructor(filters: readonly Filter[], config: Pick<HubConfig, "components">) {
    this.filters = filters;
    this.#components = new Map(
      filters.map((filter) => [filter, new Set([...filter.components, ...config.components.get(filter.name) ?? []])]),
    );
  }

  /** Whether anybody's reads of a resource can be filtered, by this plan or by one of these filters. */
  touches(resource: FilteredResource): boolean {
    return this.filters.some((filter) => appliesTo(filter, resource));
  }

  /** The filters of one component for a resource, in their order. */
  filtersFor(component: string, resource: FilteredResource): readonly Filter[] {
    if (component === "" || never.includes(component)) return [];
    return this.filters.filter((filter) =>
      appliesTo(filter, resource) && this.#components.get(filter)?.has(component) === true
    );
  }
}

function appliesTo({ resources }: Filter, { group, resource }: FilteredResource): boolean {
  return resources.some((one) => one.group === group && one.resource === resource);
}
