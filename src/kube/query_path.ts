import type { Query } from "./resources.ts";

/** The path with which the API server is asked a query; `parameters` stand behind its selectors. */
export function queryPath(query: Query, parameters: Readonly<Record<string, string>>): string {
  const root = query.group === "" ? `/api/${query.version}` : `/apis/${query.group}/${query.version}`;
  const namespace = query.namespace === "" ? "" : `/namespaces/${encodeURIComponent(query.namespace)}`;
  const search = new URLSearchParams();
  if (query.labelSelector !== "") search.set("labelSelector", query.labelSelector);
  if (query.fieldSelector !== "") search.set("fieldSelector", query.fieldSelector);
  for (const [name, value] of Object.entries(parameters)) search.set(name, value);
  return `${root}${namespace}/${query.resource}?${search}`;
}
