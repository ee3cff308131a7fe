import { compareVersions } from "../kube/resource_version.ts";
import type { ListedVersions } from "./cloud_query.ts";
import type { Collection } from "./collection.ts";
import { objectKey } from "./object_path.ts";

/**
 * Compares what is held, complete at its version, with a list of the cloud, from whose history it may come.
 *
 * `same`: a watch can go on from the held version. What the cloud has at or below it is what is held; all else that it has
 * is newer, so that its event is still to come.
 * `another`: the cloud is behind the held version, or something that it says is no newer is not what is held. In one history
 * that cannot be.
 * `unclear`: something that is held is gone. It was deleted since, of which an event tells; or in the cloud's history it never
 * was, of which none does: only a complete list shows the state then.
 */
export function compareHistory(
  collection: Pick<Collection, "resourceVersion" | "objects">,
  { resourceVersion, objects }: ListedVersions,
): "same" | "another" | "unclear" {
  const complete = collection.resourceVersion;
  if (compareVersions(resourceVersion, complete) < 0) return "another";
  const held = new Map(collection.objects().map(({ meta }) => [objectKey(meta.namespace, meta.name), meta]));
  for (const [key, listed] of objects) {
    if (compareVersions(listed.resourceVersion, complete) > 0) continue;
    const meta = held.get(key);
    if (meta?.uid !== listed.uid || meta.resourceVersion !== listed.resourceVersion) return "another";
  }
  for (const [key, { uid }] of held) if (objects.get(key)?.uid !== uid) return "unclear";
  return "same";
}
