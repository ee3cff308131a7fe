/** A resource whose objects a filter is asked about. */
export interface FilteredResource {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, as in the path. */
  readonly resource: string;
}

/** A Kubernetes object, or a part of one, as parsed JSON. It is frozen: what is changed is a new object. */
export type FilterObject = Readonly<Record<string, unknown>>;

/** What is known of an object without reading it. Texts are empty where it lacks them. */
export interface FilterMeta {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Objects that a filter looks up. */
export interface LookupSource<Value> extends FilteredResource {
  readonly version: string;
  /** @default all */
  readonly namespace?: string;
  /** @default {""} */
  readonly labelSelector?: string;
  /** @default {""} */
  readonly fieldSelector?: string;
  /** What is kept of an object: as little as can be, for a change of it is what has objects filtered anew. Nothing: not kept. */
  readonly select: (object: FilterObject) => Value | undefined;
}

/** A table that is kept for filters, in memory, and followed by a watch. */
export interface Lookup<Value> {
  readonly name: string;
  /** In order: the first that the cluster has, and that has something in it, counts. */
  readonly sources: readonly LookupSource<Value>[];
  /** Whether filters work without it. Else a filter stays off where the node may read none of the sources. */
  readonly optional?: boolean;
}

/** The tables of one moment. */
export interface Lookups {
  /** @param key `NAMESPACE/NAME`, of a cluster-scoped object its name */
  get<Value>(lookup: Lookup<Value>, key: string): Value | undefined;
  values<Value>(lookup: Lookup<Value>): Iterable<Value>;
}

/** What a filter is made of. */
export interface FilterDefinition {
  /** Lower case letters, digits and dashes: `yurt-hub-cfg`, flags, logs and metrics name it so. */
  readonly name: string;
  /** Whose reads go through it: the part of `User-Agent` before the slash, in lower case. More may be added at run time. */
  readonly components: readonly string[];
  readonly resources: readonly FilteredResource[];
  /** @default none */
  readonly lookups?: readonly Lookup<unknown>[];
  /** Whether it may change or drop an object, by its metadata: where not, the object is not even parsed. @default always */
  readonly concerns?: (meta: FilterMeta, lookups: Lookups) => boolean;
  /** Texts, ASCII, of which an object must have one for it to be concerned: where it has none it is not parsed. @default none */
  readonly mentions?: readonly string[];
  /**
   * What becomes of an object: the same where it stays as it is, another where it changes, nothing where the client shall
   * not see it. A pure function: the same object and tables always give the same, and nothing else is asked. Of what it
   * returns everything that is the same object or value as in the one that came is sent byte for byte as it came.
   */
  readonly apply: (object: FilterObject, lookups: Lookups) => FilterObject | undefined;
}

/** A filter: objects on their way to some components, changed or left out. */
export type Filter = Required<FilterDefinition>;

/**
 * Makes a filter of one's own, for `filters.own` of `createHub`.
 *
 * @example
 * ```ts
 * // Ingress controllers at the edge see no Ingress that is marked as the cloud's.
 * const cloudIngress = defineFilter({
 *   name: "cloud-ingress",
 *   components: ["nginx-ingress-controller"],
 *   resources: [{ group: "networking.k8s.io", resource: "ingresses" }],
 *   mentions: ["example.com/cloud-only"],
 *   apply: (ingress) => {
 *     const { annotations } = ingress.metadata as { annotations?: Record<string, string> };
 *     return annotations?.["example.com/cloud-only"] === "true" ? undefined : ingress;
 *   },
 * });
 * ```
 * @throws TypeError where the name is none, or it applies to nothing
 */
export function defineFilter(definition: FilterDefinition): Filter {
  const { name, resources } = definition;
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    throw new TypeError(
      `Cannot define a filter ${JSON.stringify(name)}: lower case letters, digits and dashes name one`,
    );
  }
  if (resources.length === 0) throw new TypeError(`Cannot define the filter ${name}: it applies to no resource`);
  const components = definition.components.map((component) => component.toLowerCase());
  return Object.freeze({ lookups: [], concerns: () => true, mentions: [], ...definition, components });
}
