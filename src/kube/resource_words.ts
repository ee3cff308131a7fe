import type { ResourceType } from "./field_labels.ts";

/** As kubectl takes it in full: `deployments.v1.apps`, `pods.v1.`. */
export function resourceWords({ group, version, resource }: ResourceType): string {
  return `${resource}.${version}.${group}`;
}

/**
 * Whether somebody who writes `words` means this resource: plural or kind in any case, alone or with its group, its version
 * or both.
 *
 * @param kind empty where it is not known
 */
export function isCalled(type: ResourceType, kind: string, words: string): boolean {
  const [name = "", ...rest] = words.toLowerCase().split(".");
  if (name === "" || (name !== type.resource && name !== kind.toLowerCase())) return false;
  const { group, version } = type;
  const suffix = rest.join(".");
  return suffix === "" || suffix === group || suffix === version || suffix === `${version}.${group}`;
}
