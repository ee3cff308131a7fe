import type { Figure } from "./figures.ts";
import { residentBytes } from "./memory.ts";
import type { PreparedResource } from "./prepared_cluster.ts";
import { openConnection } from "./raw_client.ts";
import { median } from "./rounds.ts";
import type { Runtime } from "./runtimes.ts";
import { Bench, startCloud, startControl, startHub } from "./servers.ts";

/** What a node's components watch, 100 objects of each. */
const resources: readonly PreparedResource[] = [
  ["pods", "Pod"],
  ["services", "Service"],
  ["endpoints", "Endpoints"],
  ["nodes", "Node"],
  ["configmaps", "ConfigMap"],
  ["secrets", "Secret"],
  ["namespaces", "Namespace"],
  ["serviceaccounts", "ServiceAccount"],
  ["persistentvolumes", "PersistentVolume"],
  ["persistentvolumeclaims", "PersistentVolumeClaim"],
].map(([resource = "", kind = ""]) => ({ resource, kind, count: 100, bytes: 2_000 }));
const hubs = 3;
const megabyte = 1_000_000;

/**
 * What is resident of a hub that has nothing to do: 10 collections with a watcher each, 1,000 objects. It idles beside the
 * other measurements, for what a runtime gives back it gives back after a while.
 *
 * @param over resolves when it is looked
 */
export async function measureIdle(runtime: Runtime, over: Promise<void>): Promise<readonly Figure[]> {
  const idle = Array.from({ length: hubs }, () => Bench.run(runtime, (bench) => idleHub(bench, over)));
  const bare = Bench.run(runtime, async (bench) => {
    const { process } = await startControl(bench, { resource: "pods", kind: "Pod", count: 1, bytes: 1_000 });
    await over;
    return residentBytes(process.pid) / megabyte;
  });
  return [{
    name: "idle hub with 10 collections and 1,000 objects: resident memory",
    unit: "MB",
    hub: median(await Promise.all(idle)),
    control: await bare,
    better: "lower",
    target: { value: 75 },
    note: "control: a bare node:http server",
  }];
}

async function idleHub(bench: Bench, over: Promise<void>): Promise<number> {
  const hub = await startHub(bench, await startCloud(bench, resources));
  for (const { resource } of resources) {
    const connection = await openConnection({ port: hub.port, received: () => undefined, failed: () => undefined });
    connection.get(
      `/api/v1/${resource}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
    );
  }
  await over;
  return residentBytes(hub.process.pid) / megabyte;
}
