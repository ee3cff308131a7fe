import { createHub, type FiltersOptions } from "../../../mod.ts";
import { createPlatform } from "../../../adapters/bun/platform.ts";
import { openHubIdentity } from "../../../src/cli/hub_identity.ts";
import { loadKubeconfig } from "../../../src/identity/kubeconfig.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";

export interface LibraryHubOptions {
  readonly kubeconfig: string;
  /** `https://127.0.0.1:PORT`. */
  readonly serverAddr: string;
  readonly nodeName: string;
  readonly filters: FiltersOptions;
}

/** A hub in this process, made with what no flag can say. */
export interface LibraryHub {
  /** The plain proxy. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a hub as a program that has it as a library does. */
export async function startLibraryHub(options: LibraryHubOptions): Promise<LibraryHub> {
  const { kubeconfig, serverAddr, nodeName, filters } = options;
  const platform = createPlatform();
  const logger = platform.createLogger({ level: "warn", format: "text" });
  const load = () => loadKubeconfig({ files: platform.files, path: kubeconfig });
  const identity = await openHubIdentity({ platform, load, origins: [serverAddr], logger });
  const hub = await createHub({
    platform,
    nodeName,
    backends: identity.backends,
    authorization: identity.authorization,
    store: createMemoryStore(),
    logger,
    metrics: platform.createMetrics(),
    filters,
    version: "test",
  });
  const listener = await platform.listen({ hostname: "127.0.0.1", port: 0 }, hub.handle);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    async close(): Promise<void> {
      await Promise.all([hub.close(), listener.close(2_000)]);
      await identity.close();
    },
  };
}
