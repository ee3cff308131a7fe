import { type ApiClient, getJson, type KubeObject } from "./api_client.ts";
import type { Hub } from "./hub.ts";
import { waitFor } from "./wait.ts";

/** A collection as the hub's `/v1/status` names it. */
interface CollectionStatus {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly state: string;
}

/**
 * Waits until every collection of the hub is live and holds exactly what the API server has.
 *
 * @returns their queries
 */
export async function waitForEqualCollections(
  hub: Hub,
  direct: ApiClient,
  limitMs: number,
): Promise<readonly string[]> {
  return await waitFor("the hub's collections to be live and what the API server has", limitMs, async (seen) => {
    const { collections } = await status(hub);
    const paths: string[] = [];
    for (const collection of collections) {
      const path = pathOf(collection);
      if (collection.state !== "live") {
        seen(`${path} is ${collection.state}`);
        return false;
      }
      const [held, wanted] = [await versions(hub.api, `${path}&resourceVersion=0`), await versions(direct, path)];
      if (held !== wanted) {
        seen(`${path}\n held   ${held}\n wanted ${wanted}`);
        return false;
      }
      paths.push(path);
    }
    return paths;
  });
}

async function status(hub: Hub): Promise<{ readonly collections: readonly CollectionStatus[] }> {
  // The hub's own status; a missing field makes the caller fail.
  return JSON.parse((await hub.status("/v1/status")).text) as { readonly collections: readonly CollectionStatus[] };
}

function pathOf({ group, version, resource, namespace, labelSelector, fieldSelector }: CollectionStatus): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const within = namespace === "" ? "" : `/namespaces/${namespace}`;
  return `${root}${within}/${resource}?${new URLSearchParams({ labelSelector, fieldSelector })}`;
}

async function versions(client: ApiClient, path: string): Promise<string> {
  const { items = [] } = await getJson(client, path);
  return items.map(versionOf).sort().join();
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name} ${metadata.uid}@${metadata.resourceVersion}`;
}
