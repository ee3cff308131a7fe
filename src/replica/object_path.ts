/** Names one object: group, version, resource, namespace ("" for none), name. */
export interface ObjectPath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The path of an object of a query's resource. Not by copying the query, which costs ten times as much. */
export function objectPath(
  { group, version, resource }: Omit<ObjectPath, "namespace" | "name">,
  { namespace, name }: Pick<ObjectPath, "namespace" | "name">,
): ObjectPath {
  return { group, version, resource, namespace, name };
}

/** The same object in every version of its API: resource versions are compared within a group-resource. */
export function objectKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** Names one object in one version of its API. */
export function pathKey({ group, version, resource, namespace, name }: ObjectPath): string {
  return `${group}/${version}/${resource}/${namespace}/${name}`;
}

/** What `pathKey` has named; nothing where the text is none. */
export function objectUnder(key: string): ObjectPath | undefined {
  const [group, version, resource, namespace, name, more] = key.split("/");
  if (group === undefined || version === undefined || resource === undefined || more !== undefined) return undefined;
  return namespace === undefined || name === undefined ? undefined : { group, version, resource, namespace, name };
}
