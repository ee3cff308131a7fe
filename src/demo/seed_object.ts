import type { ApiObject, ObjectInput } from "./api_object.ts";
import type { ObjectStore } from "./object_store.ts";
import { apiVersionOf, qualifiedResource, resourceTypes } from "./resource_type.ts";

/**
 * Writes an object into the store without a request, as the cloud's own controllers would: a new one, or the next
 * version of the one that is there. A new one's uid is made of its version, its time of creation is `createdMs`.
 *
 * @throws TypeError where the kind is unknown or the name is missing
 */
export function seedObject(objects: ObjectStore, input: ObjectInput, createdMs: number = 0): ApiObject {
  const type = resourceTypes.find((known) => known.kind === input.kind && apiVersionOf(known) === input.apiVersion);
  const { name, namespace = "" } = input.metadata ?? {};
  if (type === undefined || !name) throw new TypeError(`Cannot seed ${input.kind ?? "an object without kind"}`);
  const key = { resource: qualifiedResource(type), namespace: type.namespaced ? namespace : "", name };
  const held = objects.get(key)?.metadata;
  return objects.put(key, (resourceVersion) => ({
    ...input,
    kind: type.kind,
    apiVersion: apiVersionOf(type),
    metadata: {
      ...input.metadata,
      name,
      ...(type.namespaced ? { namespace } : {}),
      uid: held?.uid ?? `00000000-0000-4000-8000-${resourceVersion.padStart(12, "0")}`,
      resourceVersion,
      creationTimestamp: held?.creationTimestamp ?? new Date(createdMs).toISOString().replace(/\.\d+Z$/, "Z"),
    },
  }));
}
