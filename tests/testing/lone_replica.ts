import { Cloud } from "../../src/cloud/cloud.ts";
import { Link } from "../../src/cloud/link.ts";
import type { Logger } from "../../src/platform/logger.ts";
import type { Store } from "../../src/platform/store.ts";
import type { Upstream } from "../../src/platform/upstream.ts";
import { Replica } from "../../src/replica/replica.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { createFakeClock, type FakeClock } from "./fake_clock.ts";
import { createFakeRandom } from "./fake_random.ts";
import { createFakeUpstream } from "./fake_upstream.ts";

export const silentLogger: Logger = { log: () => undefined, enabled: () => false };

export interface LoneReplicaOptions {
  readonly store?: Store;
  /** The cloud. @default one that answers nothing */
  readonly upstream?: Upstream;
  readonly memoryMaxBytes?: number;
  /** @default one of its own */
  readonly clock?: FakeClock;
}

export interface LoneReplica {
  readonly replica: Replica;
  readonly clock: FakeClock;
  readonly link: Link;
  readonly cloud: Cloud;
}

/** A replica without a hub. */
export function loneReplica(options: LoneReplicaOptions = {}): LoneReplica {
  const { store = createMemoryStore(), upstream = noUpstream(), memoryMaxBytes = 1_000_000 } = options;
  const { clock = createFakeClock() } = options;
  const random = createFakeRandom();
  const cloud = new Cloud({ backends: [{ upstream, callerUpstream: upstream, host: "cloud" }], clock });
  const link = new Link({ cloud, clock, random, logger: silentLogger });
  return {
    clock,
    link,
    cloud,
    replica: new Replica({ cloud, link, store, clock, random, logger: silentLogger, memoryMaxBytes }),
  };
}

function noUpstream(): Upstream {
  const upstream = createFakeUpstream();
  upstream.answer = "refused";
  return upstream;
}
