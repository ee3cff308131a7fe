import { clock as systemClock } from "../../adapters/shared/clock.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import type { LbMode } from "../../src/cloud/balancer.ts";
import { createDemoApiServer, type DemoApiServer } from "../../src/demo/api_server.ts";
import { type DemoCloud, startDemoCloud } from "../../src/demo/demo_cloud.ts";
import { seedObject } from "../../src/demo/seed_object.ts";
import type { WorkingMode } from "../../src/hub/hub_link.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { checkPaths } from "./check_paths.ts";
import { createFakeClock, type FakeClock } from "./fake_clock.ts";
import { type LogLine, type RunningHub, startHub } from "./running_hub.ts";

export interface BackendsSceneOptions {
  readonly backends: number;
  readonly lbMode?: LbMode;
  readonly workingMode?: WorkingMode;
  /** What a backend says in the API server's place. */
  readonly intercept?: (exchange: Exchange, backend: number) => Response | undefined;
}

/** One API server of the scene. */
export interface SceneBackend {
  readonly cloud: DemoCloud;
  /** Paths that it was asked for, but for checks. */
  readonly seen: string[];
  /** Neither answers nor refuses while it is true, as a process that was stopped. */
  stopped: boolean;
}

/** A hub in front of several API servers that have their objects in common. */
export interface BackendsScene {
  readonly server: DemoApiServer;
  readonly hub: RunningHub;
  readonly clock: FakeClock;
  readonly log: readonly LogLine[];
  backend(index: number): SceneBackend;
  /** Waits for what comes about by itself, the hub's clock moving by `stepMs` at each look. */
  until(condition: () => boolean | Promise<boolean>, stepMs?: number): Promise<void>;
}

const looksMax = 2_000;
const lookMs = 2;

/** Runs a test; ends the hub and the servers after it. */
export async function serveBackends(
  run: (scene: BackendsScene) => Promise<void>,
  options: BackendsSceneOptions,
): Promise<void> {
  const server = createDemoApiServer({ clock: systemClock, random });
  seedObject(server.objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  const backends = await Promise.all(
    Array.from({ length: options.backends }, (_, index) => startBackend(server, index, options.intercept)),
  );
  const clock = createFakeClock();
  const log: LogLine[] = [];
  const [first, ...further] = backends.map(({ cloud }) => cloud);
  if (first === undefined) throw new RangeError("A scene needs a backend");
  const { lbMode = "priority", workingMode = "edge" } = options;
  const hub = await startHub({
    cloud: first,
    further,
    lbMode,
    workingMode,
    clock,
    log,
    callerMark: "X-Test-Without-Node",
    store: createMemoryStore(),
  });
  try {
    await run({
      server,
      hub,
      clock,
      log,
      backend: (index) => {
        const found = backends[index];
        if (found === undefined) throw new RangeError(`There is no backend ${index}`);
        return found;
      },
      until: async (condition, stepMs = 0) => {
        for (let look = 0; look < looksMax; look++) {
          if (await condition()) return;
          if (stepMs > 0) await clock.advance(stepMs);
          await new Promise((resolve) => setTimeout(resolve, lookMs));
        }
        throw new Error(`It did not come about: ${condition.toString()}`);
      },
    });
  } finally {
    server.close();
    await hub.close();
    for (const backend of backends) backend.stopped = false;
    await Promise.all(backends.map(({ cloud }) => cloud.close()));
  }
}

async function startBackend(
  server: DemoApiServer,
  index: number,
  intercept: BackendsSceneOptions["intercept"],
): Promise<SceneBackend> {
  const seen: string[] = [];
  const backend = { seen, stopped: false };
  const cloud = await startDemoCloud({
    listen: createListen({}),
    clock: systemClock,
    handle: async (request, exchange) => {
      while (backend.stopped && !exchange.signal.aborted) await new Promise((resolve) => setTimeout(resolve, lookMs));
      if (!checkPaths.includes(exchange.rawPath)) seen.push(`${exchange.method} ${exchange.rawPath}`);
      return intercept?.(exchange, index) ?? server.handle(request, exchange);
    },
  });
  return Object.assign(backend, { cloud });
}
