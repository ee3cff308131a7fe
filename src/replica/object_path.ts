/** Names one object: group, version, resource, namespace ("" for none), name. */
export interface ObjectPath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The same object in every version of its API: resource versions are compared within a group-resource. */
export function objectKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
