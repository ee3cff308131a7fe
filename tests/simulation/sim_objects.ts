/** One resource of the simulated cloud. */
export interface SimResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Custom resources are written with `apiVersion` and `kind` in lists too, members by name. */
  readonly custom: boolean;
}

/** One state of one object: what the cloud wrote at one revision. Never changed. */
export interface SimState {
  /** Where it lies, whichever its uid. */
  readonly key: string;
  readonly resource: SimResource;
  /** Empty for cluster-scoped ones. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of pods. */
  readonly nodeName: string;
  /** The content, different for each write. */
  readonly content: string;
  /** What a node has written: members of a status beside the content, or an Event as a whole. */
  readonly members?: Members;
}

/** Members of a JSON object. */
export type Members = Readonly<Record<string, unknown>>;

/** What a list or watch asks for. */
export interface SimQuery {
  readonly resource: SimResource;
  /** Empty for all. */
  readonly namespace: string;
  /** One `key=value`, or nothing. */
  readonly label?: readonly [key: string, value: string];
  /** `metadata.name` or `spec.nodeName`, or nothing. */
  readonly field?: readonly [field: string, value: string];
}

const core = { group: "", version: "v1", custom: false, namespaced: true };

export const pods: SimResource = { ...core, plural: "pods", kind: "Pod" };
export const configMaps: SimResource = { ...core, plural: "configmaps", kind: "ConfigMap" };
export const nodes: SimResource = { ...core, plural: "nodes", kind: "Node", namespaced: false };
export const leases: SimResource = { ...core, group: "coordination.k8s.io", plural: "leases", kind: "Lease" };
export const events: SimResource = { ...core, plural: "events", kind: "Event" };
export const widgets: SimResource = { ...core, group: "example.com", plural: "widgets", kind: "Widget", custom: true };

export const simResources: readonly SimResource[] = [pods, configMaps, nodes, leases, events, widgets];

/** `v1` or `example.com/v1`. */
export function apiVersionOf({ group, version }: SimResource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The path of a collection, or of the whole resource where no namespace is named. */
export function pathOf(resource: SimResource, namespace: string): string {
  const prefix = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  return namespace === "" ? `${prefix}/${resource.plural}` : `${prefix}/namespaces/${namespace}/${resource.plural}`;
}

/** The path of a query with its selectors as parameters. */
export function queryPathOf(query: SimQuery, parameters: Readonly<Record<string, string>> = {}): string {
  const all = new URLSearchParams(parameters);
  if (query.label !== undefined) all.set("labelSelector", query.label.join("="));
  if (query.field !== undefined) all.set("fieldSelector", query.field.join("="));
  const text = all.toString();
  return pathOf(query.resource, query.namespace) + (text === "" ? "" : `?${text}`);
}

/** The key of a state with that place. */
export function keyOf(place: Pick<SimState, "resource" | "namespace" | "name">): string {
  return `${place.resource.plural}/${place.namespace}/${place.name}`;
}

export function matches(query: SimQuery, state: SimState): boolean {
  const { resource, namespace, label, field } = query;
  if (state.resource !== resource || (namespace !== "" && namespace !== state.namespace)) return false;
  if (label !== undefined && state.labels[label[0]] !== label[1]) return false;
  if (field === undefined) return true;
  return (field[0] === "metadata.name" ? state.name : state.nodeName) === field[1];
}

const objectTexts = new WeakMap<SimState, string>();
const itemTexts = new WeakMap<SimState, string>();

/** The object alone, as an answer to a GET or in an event; `version` in place of its own for a deletion. */
export function objectText(state: SimState, version: number = state.version): string {
  if (version !== state.version) return freshObjectText(state, version);
  return knownText(objectTexts, state, freshObjectText);
}

function freshObjectText(state: SimState, version: number = state.version): string {
  const { resource } = state;
  const type = resource.custom
    ? `"apiVersion":"${apiVersionOf(resource)}","kind":"${resource.kind}"`
    : `"kind":"${resource.kind}","apiVersion":"${apiVersionOf(resource)}"`;
  return `{${type},${membersText(state, version)}}`;
}

/** The object as an item of a list: a built-in one has no type there. */
export function itemText(state: SimState): string {
  if (state.resource.custom) return objectText(state);
  return knownText(itemTexts, state, () => `{${membersText(state, state.version)}}`);
}

function knownText(texts: WeakMap<SimState, string>, state: SimState, make: (state: SimState) => string): string {
  let text = texts.get(state);
  if (text === undefined) texts.set(state, text = make(state));
  return text;
}

/** A list, as the API server writes it. */
export function listText(
  resource: SimResource,
  { at, next, items }: { readonly at: number; readonly next: string; readonly items: Iterable<SimState> },
): string {
  const metadata = `{"resourceVersion":"${at}"${next === "" ? "" : `,"continue":"${next}"`}}`;
  const texts = Array.from(items, itemText).join(",");
  const [apiVersion, kind] = [`"apiVersion":"${apiVersionOf(resource)}"`, `"kind":"${resource.kind}List"`];
  return resource.custom
    ? `{${apiVersion},"items":[${texts}],${kind},"metadata":${metadata}}\n`
    : `{${kind},${apiVersion},"metadata":${metadata},"items":[${texts}]}\n`;
}

function membersText(state: SimState, version: number): string {
  const { name, namespace, uid, labels, resource } = state;
  const metadata = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    uid,
    resourceVersion: String(version),
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
  return `"metadata":${JSON.stringify(metadata)},${contentText(resource, state)}`;
}

function contentText(resource: SimResource, { nodeName, content, members }: SimState): string {
  switch (resource.plural) {
    case "pods":
      return `"spec":${JSON.stringify({ nodeName })},"status":${
        JSON.stringify({ phase: "Running", message: content, ...members })
      }`;
    case "events":
      return JSON.stringify(members ?? {}).slice(1, -1);
    case "configmaps":
      return `"data":${JSON.stringify({ content })}`;
    case "nodes":
      return `"spec":{},"status":${JSON.stringify({ phase: content, ...members })}`;
    default:
      return `"spec":${JSON.stringify({ holderIdentity: content })}`;
  }
}

/** What parsed JSON shows of what a node writes. */
export function membersOf(resource: SimResource, object: unknown): Members | undefined {
  const value = resource === events ? object : memberAt(object, ["status"]);
  if (typeof value !== "object" || value === null || ![pods, nodes, events].includes(resource)) return undefined;
  const others = resource === events ? ["kind", "apiVersion", "metadata"] : resource === pods ? ["message"] : ["phase"];
  return Object.fromEntries(Object.entries(value).filter(([name]) => !others.includes(name)));
}

/** The content of a body that a client wrote. */
export function contentOf(object: unknown): string | undefined {
  const value = memberAt(object, ["data", "content"]) ?? memberAt(object, ["status", "message"]) ??
    memberAt(object, ["status", "phase"]) ?? memberAt(object, ["spec", "holderIdentity"]);
  return typeof value === "string" ? value : undefined;
}

/** A value inside parsed JSON. */
export function memberAt(value: unknown, path: readonly string[]): unknown {
  let inner = value;
  for (const name of path) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, name)) return undefined;
    inner = Reflect.get(inner, name);
  }
  return inner;
}
