import type { ResourceType } from "../kube/field_labels.ts";
import { isCalled } from "../kube/resource_words.ts";
import { type Query, selectedNameOf } from "../kube/resources.ts";

/** Which part of what is held somebody means. Texts are empty for all. */
export interface HeldSelection {
  /** In kubectl's words: `pods`, `deployments.apps`, `pods.v1.`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whether the resource is meant. @param kind empty where it is not known */
export function selectsType({ resource }: HeldSelection, type: ResourceType, kind: string): boolean {
  return resource === "" || isCalled(type, kind, resource);
}

/** Whether a collection is meant: one of that very namespace, and of that very name where one is given. */
export function selectsCollection(selection: HeldSelection, query: Query, kind: string): boolean {
  const { namespace, name } = selection;
  return selectsType(selection, query, kind) && (namespace === "" || query.namespace === namespace) &&
    (name === "" || selectedNameOf(query.fieldSelector) === name);
}

/** Whether an object is meant. */
export function selectsObject(
  selection: HeldSelection,
  type: ResourceType,
  meta: { readonly namespace: string; readonly name: string; readonly kind: string },
): boolean {
  const { namespace, name } = selection;
  return selectsType(selection, type, meta.kind) && (namespace === "" || meta.namespace === namespace) &&
    (name === "" || meta.name === name);
}
