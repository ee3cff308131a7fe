/** What names an object for a path; texts are empty for the core group and for no namespace. */
export interface NamedObject {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The path of an object, or with an empty name that of its collection. @param subresource empty for the object itself */
export function objectUrl({ group, version, resource, namespace, name }: NamedObject, subresource = ""): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const parts = [name, subresource].filter((part) => part !== "").map(encodeURIComponent);
  return [`${root}${place}/${resource}`, ...parts].join("/");
}
