import type { ResourceType } from "../kube/field_labels.ts";
import { isCalled, resourceWords } from "../kube/resource_words.ts";
import type { HeldSelection } from "../replica/held_selection.ts";
import type { StoredRows } from "../replica/stored_rows.ts";
import { suggestion } from "./nearest.ts";
import { UsageError } from "./usage_error.ts";

/** Reads `RESOURCE[/NAME]`; empty for all. @throws UsageError */
export function readSelection(argument: string, namespace: string): HeldSelection {
  const [resource = "", name, more] = argument.split("/");
  const problem = more !== undefined
    ? "it has more than one /"
    : argument !== "" && !/^[a-z][-a-z0-9]*(\.[-a-z0-9.]*)?$/i.test(resource)
    ? "RESOURCE must be in kubectl's words: pods, deployments.apps, pods.v1."
    : name === "" || /\s/.test(name ?? "")
    ? "NAME must be the name of an object"
    : undefined;
  if (problem !== undefined) throw new UsageError(`Invalid value "${argument}" of RESOURCE[/NAME]: ${problem}`);
  return { resource, namespace, name: name ?? "" };
}

/** @throws Error where nothing at all is held of the resource: most likely it is misspelt */
export function requireHeld({ resource }: HeldSelection, rows: StoredRows): void {
  if (resource === "") return;
  const types = heldTypes(rows);
  if (types.some(({ type, kind }) => isCalled(type, kind, resource))) return;
  const names = [...new Set(types.map(({ type }) => type.resource))];
  const words = [...new Set(types.map(({ type }) => resourceWords(type)))].sort();
  const held = words.length === 0 ? "nothing is held at all" : `held are ${words.join(", ")}`;
  throw new Error(`Nothing is held of "${resource}"${suggestion(resource, { names })}: ${held}`);
}

function heldTypes({ collections, records }: StoredRows): { readonly type: ResourceType; readonly kind: string }[] {
  return [
    ...collections.map(({ query, head }) => ({ type: query, kind: head.kind })),
    ...records.map(({ path, held }) => ({ type: path, kind: held.meta.kind })),
  ];
}
