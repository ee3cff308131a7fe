import { createHub, type Hub } from "../hub/hub.ts";
import type { ExchangeHandler, Listener } from "../platform/listener.ts";
import type { LogLevel } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { Store } from "../platform/store.ts";
import type { Upstream } from "../platform/upstream.ts";
import { createSealedStore } from "../store/sealed_store.ts";

export interface DemoHubOptions {
  readonly platform: Platform;
  readonly nodeName: string;
  /** `http://127.0.0.1:<port>` of the embedded API server. */
  readonly cloudOrigin: string;
  /** Where the replica is kept, and the key that it is sealed with. */
  readonly storePath: string;
  readonly storageKey: Uint8Array;
  readonly proxyPort: number;
  readonly servePort: number;
  readonly logLevel: LogLevel;
  readonly version: string;
}

/** A hub with its listeners, upstream and store: what `holdfast hub` is as a process. */
export interface DemoHub {
  readonly proxyPort: number;
  readonly servePort: number;
  close(): Promise<void>;
}

/** Starts a hub in front of the embedded API server; on free ports where those asked for are taken. */
export async function startDemoHub(options: DemoHubOptions): Promise<DemoHub> {
  const { platform, cloudOrigin } = options;
  const upstream = platform.createUpstream({ origin: cloudOrigin, connectTimeoutMs: 1000 });
  const store = createSealedStore(
    await platform.openStore({ path: options.storePath, durability: "normal" }),
    platform.createCipher(options.storageKey),
  );
  const hub = await createHub({
    platform,
    nodeName: options.nodeName,
    backends: [{ address: cloudOrigin, host: new URL(cloudOrigin).host, upstream, callerUpstream: upstream }],
    store,
    logger: platform.createLogger({ level: options.logLevel, format: "text" }),
    metrics: platform.createMetrics(),
    version: options.version,
  });
  const proxy = await listenNear(platform, { port: options.proxyPort, handle: hub.handle });
  const status = await listenNear(platform, { port: options.servePort, handle: hub.handleStatus });
  return {
    proxyPort: proxy.port,
    servePort: status.port,
    close: () => close({ hub, proxy, status, upstream, store }),
  };
}

interface Parts {
  readonly hub: Hub;
  readonly proxy: Listener;
  readonly status: Listener;
  readonly upstream: Upstream;
  readonly store: Store;
}

async function close({ hub, proxy, status, upstream, store }: Parts): Promise<void> {
  await Promise.all([hub.close(), proxy.close(500), status.close(500)]);
  await upstream.close(0);
  await store.close();
}

async function listenNear(
  { listen }: Platform,
  { port, handle }: { readonly port: number; readonly handle: ExchangeHandler },
): Promise<Listener> {
  try {
    return await listen({ hostname: "127.0.0.1", port }, handle);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    return await listen({ hostname: "127.0.0.1", port: 0 }, handle);
  }
}
