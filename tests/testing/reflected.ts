import { nodeScope } from "../../src/identity/scope.ts";
import type { Query } from "../../src/kube/resources.ts";
import type { Collection } from "../../src/replica/collection.ts";
import type { Store } from "../../src/platform/store.ts";
import { createFakeClock } from "./fake_clock.ts";
import { mapsQuery } from "./json_objects.ts";
import { type LoneReplica, loneReplica } from "./lone_replica.ts";
import { createOneServerCloud, type OneServerCloud } from "./one_server_cloud.ts";

/** A replica that reflects ConfigMaps of a cloud in virtual time. */
export interface Reflected extends Omit<LoneReplica, "cloud"> {
  readonly cloud: OneServerCloud;
  /** The collection of a query, kept up to date. @default all ConfigMaps */
  reflect(query?: Partial<Query>): Collection;
  /** Cuts the link for that long, and lets it be noticed on both sides. */
  cut(forMs: number): Promise<void>;
  /** What was asked of ConfigMaps since the last call: "limit=1", "limit=500", "watch" or "WatchList". */
  asks(): string[];
}

export interface ReflectedOptions {
  readonly watchList?: boolean;
  readonly store?: Store;
  /** One that goes on. */
  readonly cloud?: OneServerCloud;
}

/** Long enough for everything that waits at most a moment: jitter after a cut, a resumed watch without events. */
export const momentMs = 5_000;

export async function createReflected(options: ReflectedOptions = {}): Promise<Reflected> {
  const clock = createFakeClock();
  const cloud = options.cloud ?? createOneServerCloud(clock, options);
  const { store } = options;
  const lone = loneReplica({ clock, upstream: cloud.upstream, ...(store === undefined ? {} : { store }) });
  await lone.replica.restore();
  await lone.link.start();
  return {
    ...lone,
    cloud,
    reflect(query) {
      const collection = lone.replica.reflected(nodeScope, { ...mapsQuery, ...query });
      if (collection === undefined) throw new TypeError("The cloud has just refused it");
      return collection;
    },
    async cut(forMs) {
      cloud.cut = true;
      await clock.advance(forMs);
      cloud.cut = false;
      await clock.advance(momentMs);
    },
    asks: () => cloud.asked.splice(0).filter((path) => path.includes("/configmaps")).map(nameOf),
  };
}

function nameOf(rawPath: string): string {
  if (rawPath.includes("sendInitialEvents=true")) return "WatchList";
  return rawPath.includes("watch=true") ? "watch" : /limit=\d+/.exec(rawPath)?.[0] ?? rawPath;
}
