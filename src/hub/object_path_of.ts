import type { RequestInfo } from "../kube/request_info.ts";
import type { ObjectPath } from "../replica/object_path.ts";

/** The object that a request names. A Namespace lies in none, though its request info names itself. */
export function pathOf({ info }: { readonly info: RequestInfo }): ObjectPath {
  const { group, version, resource, name } = info;
  const namespace = group === "" && resource === "namespaces" ? "" : info.namespace;
  return { group, version, resource, namespace, name };
}
