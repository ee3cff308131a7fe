import { Cloud } from "../../src/cloud/cloud.ts";
import { Link } from "../../src/cloud/link.ts";
import type { Logger } from "../../src/platform/logger.ts";
import type { Store } from "../../src/platform/store.ts";
import { UpstreamError } from "../../src/platform/upstream.ts";
import { Replica } from "../../src/replica/replica.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { createFakeClock, type FakeClock } from "./fake_clock.ts";
import { createFakeRandom } from "./fake_random.ts";

export const silentLogger: Logger = { log: () => undefined, enabled: () => false };

/** A replica whose cloud answers nothing. */
export function loneReplica(
  store: Store = createMemoryStore(),
): { readonly replica: Replica; readonly clock: FakeClock } {
  const clock = createFakeClock();
  const random = createFakeRandom();
  const refuse = () => Promise.reject(new UpstreamError("refused", "No cloud", { sent: false }));
  const upstream = { request: refuse, upgrade: refuse, rotate: () => undefined, close: () => Promise.resolve() };
  const cloud = new Cloud({ upstream, callerUpstream: upstream, host: "cloud" });
  const link = new Link({ cloud, clock, random, logger: silentLogger });
  return { clock, replica: new Replica({ cloud, link, store, clock, random, logger: silentLogger }) };
}
