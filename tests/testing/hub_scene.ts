import { clock as systemClock } from "../../adapters/shared/clock.ts";
import { createCipher } from "../../adapters/shared/cipher.ts";
import { createListen } from "../../adapters/shared/listener.ts";
import { random } from "../../adapters/shared/random.ts";
import { openStore } from "../../adapters/shared/store.ts";
import { createDemoApiServer, type DemoApiServer, type DemoApiServerOptions } from "../../src/demo/api_server.ts";
import { type DemoCloud, startDemoCloud } from "../../src/demo/demo_cloud.ts";
import type { DebugOptions } from "../../src/hub/debug_app.ts";
import type { HubCertificates } from "../../src/hub/hub_certificates.ts";
import { openHubState } from "../../src/hub/hub_state.ts";
import { seedObject } from "../../src/demo/seed_object.ts";
import type { FiltersOptions } from "../../src/hub/filters_options.ts";
import type { WorkingMode } from "../../src/hub/hub_link.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { Store } from "../../src/platform/store.ts";
import { createMemoryStore } from "../../src/store/memory_store.ts";
import { createSealedStore } from "../../src/store/sealed_store.ts";
import { checkPaths } from "./check_paths.ts";
import { createFakeClock, type FakeClock } from "./fake_clock.ts";
import { memoryStateFile } from "./memory_state_file.ts";
import { type LogLine, type RunningHub, startHub } from "./running_hub.ts";
import type { WatchReader } from "./watch_reader.ts";

/** A request as the cloud has seen it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Whether it came on connections without the node's identity. */
  readonly withoutNode: boolean;
}

export interface HubSceneOptions {
  readonly server?: Partial<DemoApiServerOptions>;
  /** Answers in the server's place. */
  readonly intercept?: (exchange: Exchange) => Response | Promise<Response> | undefined;
  /** An SQLite file in place of a store in memory; it is opened anew at each restart. */
  readonly storePath?: string;
  /** Called before the store is opened, at each start. */
  readonly beforeOpen?: () => void;
  /** Stands between the hub and its store. */
  readonly onStore?: (store: Store) => Store;
  /** Stands between the hub and its outbox. */
  readonly onOutboxStore?: (store: Store) => Store;
  readonly outboxMaxBytes?: number;
  readonly offlineTokenGraceMs?: number;
  /** Keeps a state file, over restarts too. @default {false} */
  readonly state?: boolean;
  readonly authorization?: () => string | undefined;
  readonly plainAllowUids?: readonly number[];
  readonly kubeletHealthGraceMs?: number;
  readonly filters?: FiltersOptions;
  readonly workingMode?: WorkingMode;
  readonly maxRequestsInFlight?: number;
  readonly maxWatches?: number;
  readonly debug?: DebugOptions;
  readonly nodeName?: string;
  readonly certificates?: HubCertificates;
}

/** A hub in front of an embedded API server, both on loopback; the hub's clock stands still until it is told to move. */
export interface HubScene {
  readonly server: DemoApiServer;
  readonly cloud: DemoCloud;
  readonly clock: FakeClock;
  /** What the cloud was asked, but for the hub's own checks of the link. */
  readonly seen: readonly SeenRequest[];
  readonly log: readonly LogLine[];
  readonly origin: string;
  readonly statusOrigin: string;
  /** What answers as the TLS port does, without TLS. */
  readonly secureOrigin: string;
  request: RunningHub["request"];
  status: RunningHub["status"];
  outbox: RunningHub["outbox"];
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<WatchReader>;
  /** Waits for what comes about by itself, moving the hub's clock by `stepMs` at each look where that is given. */
  until(condition: () => boolean | Promise<boolean>, stepMs?: number): Promise<void>;
  /** Cuts the link; resolves when the hub has noticed. */
  cut(): Promise<void>;
  /** Heals it; resolves when the hub has noticed and each collection that has a watcher or was live is live again. */
  heal(): Promise<void>;
  restart(): Promise<void>;
}

/** How often, and in what distance, is looked for what a test waits for. */
const looksMax = 2_000;
const lookMs = 2;
/** Tells the two ways to the cloud apart, in place of a certificate. */
const callerMark = "X-Test-Without-Node";

/** Runs a test; ends all watches, the hub and the server after it. */
export async function serveHub(
  run: (scene: HubScene) => Promise<void>,
  options: HubSceneOptions = {},
): Promise<void> {
  const server = createDemoApiServer({ clock: systemClock, random, ...options.server });
  seedObject(server.objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  const seen: SeenRequest[] = [];
  const cloud = await startDemoCloud({
    listen: createListen({}),
    clock: systemClock,
    handle: (request, exchange) => {
      if (!checkPaths.includes(exchange.rawPath)) seen.push(seenRequest(exchange));
      return options.intercept?.(exchange) ?? server.handle(request, exchange);
    },
  });
  const clock = createFakeClock();
  const memory = options.storePath === undefined ? createMemoryStore() : undefined;
  const outboxMemory = createMemoryStore();
  const log: LogLine[] = [];
  const { openStateFile, files } = memoryStateFile();
  const start = async (): Promise<RunningHub> => {
    options.beforeOpen?.();
    const store = await openSealed(memory, options.storePath);
    const outbox = await openSealed(outboxMemory, undefined);
    const logger = { log: () => undefined, enabled: () => false };
    const state = options.state
      ? await openHubState({ openStateFile, files, clock, logger, path: "state" })
      : undefined;
    return await startHub({
      ...(state === undefined ? {} : { state }),
      ...{ ...withoutState(options), cloud, clock, log, callerMark },
      store: options.onStore?.(store) ?? store,
      outboxStore: options.onOutboxStore?.(outbox) ?? outbox,
    });
  };
  let hub = await start();
  const watches: WatchReader[] = [];
  try {
    await run(makeScene({
      server,
      cloud,
      clock,
      seen,
      log,
      watches,
      hub: () => hub,
      restart: async () => {
        await hub.close();
        hub = await start();
      },
    }));
  } finally {
    server.close();
    await hub.close();
    await Promise.allSettled(watches.map((watch) => watch.close()));
    await cloud.close();
  }
}

function withoutState({ state: _, ...options }: HubSceneOptions): Omit<HubSceneOptions, "state"> {
  return options;
}

async function openSealed(memory: Store | undefined, path: string | undefined): Promise<Store> {
  const store = path === undefined ? memory : await openStore({ path, durability: "normal" });
  if (store === undefined) throw new TypeError("Cannot open a store without a path");
  const sealed = createSealedStore(store, createCipher(new Uint8Array(32)));
  // What is in memory must outlive the hub that a restart closes.
  return path === undefined ? { ...sealed, close: () => Promise.resolve() } : sealed;
}

function seenRequest({ method, rawPath, rawHeaders }: Exchange): SeenRequest {
  const headers = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.set(rawHeaders[i]?.toLowerCase() ?? "", rawHeaders[i + 1] ?? "");
  }
  return { method, path: rawPath, headers, withoutNode: headers.has(callerMark.toLowerCase()) };
}

type SceneParts = Pick<HubScene, "server" | "cloud" | "clock" | "seen" | "log" | "restart"> & {
  readonly watches: WatchReader[];
  readonly hub: () => RunningHub;
};

function makeScene({ watches, hub, ...parts }: SceneParts): HubScene {
  const { clock, cloud } = parts;
  const until: HubScene["until"] = async (condition, stepMs = 0) => {
    for (let look = 0; look < looksMax; look++) {
      if (await condition()) return;
      if (stepMs > 0) await clock.advance(stepMs);
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    throw new Error(`It did not come about: ${condition.toString()}`);
  };
  const linkIs = (state: string) => async () => (await hub().status()).link.state === state;
  return {
    ...parts,
    get origin(): string {
      return hub().origin;
    },
    get secureOrigin(): string {
      return hub().secureOrigin;
    },
    get statusOrigin(): string {
      return hub().statusOrigin;
    },
    request: (method, path, options) => hub().request(method, path, options),
    status: () => hub().status(),
    outbox: () => hub().outbox(),
    watch: async (path, headers) => {
      const watch = await hub().watch(path, headers);
      watches.push(watch);
      return watch;
    },
    until,
    cut: async () => {
      await cloud.cut();
      await hub().request("GET", "/readyz"); // a request that fails makes the hub look at the link
      await until(linkIs("offline"));
    },
    heal: async () => {
      await cloud.heal();
      const states = ["live", "refused"];
      await until(async () => {
        const { link, collections } = await hub().status();
        return link.state === "online" &&
          collections.every(({ state, watchers }) => watchers === 0 || states.includes(state));
      }, 250);
    },
  };
}
