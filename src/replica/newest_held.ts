import type { ResourceType } from "../kube/field_labels.ts";
import { resourceWords } from "../kube/resource_words.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { type HeldSelection, selectsObject } from "./held_selection.ts";
import type { HeldObject } from "./object_rows.ts";
import type { StoredRows } from "./stored_rows.ts";

/** The newest version that a store has of one object, and how many hold the object in any version. */
export interface NewestHeld {
  readonly type: ResourceType;
  readonly held: HeldObject;
  readonly collections: number;
  readonly recorded: boolean;
}

/** The newest of each selected object, by resource, namespace and name. What an earlier epoch held is older (R9). */
export function newestHeld(rows: StoredRows, selection: HeldSelection): readonly NewestHeld[] {
  const found = new Map<string, NewestHeld & { readonly epoch: number }>();
  const epochs = new Map<string, number>();
  const offer = (one: Omit<NewestHeld, "collections" | "recorded"> & { readonly epoch: number }, recorded: boolean) => {
    const { type, held: { meta } } = one;
    if (!selectsObject(selection, type, meta)) return;
    const key = `${resourceWords(type)}/${meta.namespace}/${meta.name}`;
    const known = found.get(key);
    const holders = {
      collections: (known?.collections ?? 0) + (recorded ? 0 : 1),
      recorded: recorded || known?.recorded === true,
    };
    const newer = known === undefined || one.epoch > known.epoch ||
      (one.epoch === known.epoch && compareVersions(meta.resourceVersion, known.held.meta.resourceVersion) > 0);
    found.set(key, { ...(newer ? one : known), ...holders });
  };
  for (const { query, objects, resourceEpoch: epoch } of rows.collections) {
    const resource = `${query.group}/${query.resource}`;
    epochs.set(resource, Math.max(epochs.get(resource) ?? 0, epoch));
    for (const held of objects) offer({ type: query, held, epoch }, false);
  }
  for (const { path, held } of rows.records) {
    // Records of an earlier epoch have ended with it.
    offer({ type: path, held, epoch: epochs.get(`${path.group}/${path.resource}`) ?? 0 }, true);
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, newest]) => newest);
}
