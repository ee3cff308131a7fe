import type { Clock } from "../platform/clock.ts";
import type { LogLevel } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { SimulatedAgent } from "./agent.ts";
import { type ApiClient, createApiClient } from "./api_client.ts";
import { createDemoApiServer, type DemoApiServer } from "./api_server.ts";
import { type DemoCloud, startDemoCloud } from "./demo_cloud.ts";
import { type DemoHub, type DemoHubOptions, startDemoHub } from "./demo_hub.ts";
import { SimulatedKubelet } from "./kubelet.ts";
import { demoNodeName, seedSampleCluster } from "./sample_cluster.ts";

export interface DemoWorldOptions {
  readonly platform: Platform;
  readonly proxyPort: number;
  readonly servePort: number;
  readonly logLevel: LogLevel;
  readonly version: string;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/** All that the demo plays with. */
export interface DemoWorld {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly server: DemoApiServer;
  readonly cloud: DemoCloud;
  readonly hub: DemoHub;
  readonly kubelet: SimulatedKubelet;
  /** Watches through the hub what a reader of the demo will ask for. */
  readonly agent: SimulatedAgent;
  /** The kubelet's containers: pod uid to the time of their start. */
  readonly containers: ReadonlyMap<string, number>;
  /** Of the hub's plain proxy, and of its status server. */
  readonly client: ApiClient;
  readonly statusClient: ApiClient;
  /** Ends hub and kubelet, and starts new ones on what the old ones have left: the store's file and the containers. */
  restart(): Promise<void>;
  /** Ends everything and removes the store. */
  close(): Promise<void>;
}

const agentPaths = [
  "/api/v1/nodes",
  "/api/v1/pods",
  "/api/v1/namespaces/default/pods",
  "/api/v1/namespaces/default/configmaps",
  "/api/v1/namespaces/default/services",
];

/** Starts an API server with a sample cluster, a hub in front of it, and a kubelet behind that. */
export async function startDemoWorld(options: DemoWorldOptions): Promise<DemoWorld> {
  const { platform, signal } = options;
  const { clock, random, listen } = platform;
  const server = createDemoApiServer({ clock, random });
  seedSampleCluster(server.objects, clock.now());
  const cloud = await startDemoCloud({ listen, clock, handle: server.handle });
  const hubOptions = { ...options, ...storeOf(platform), nodeName: demoNodeName, cloudOrigin: cloud.origin };
  const containers = new Map<string, number>();
  let hub = await startDemoHub(hubOptions);
  const { proxyPort, servePort } = hub;
  const client = createApiClient(platform.createUpstream, `http://127.0.0.1:${proxyPort}`);
  const statusClient = createApiClient(platform.createUpstream, `http://127.0.0.1:${servePort}`);
  const startKubelet = (): SimulatedKubelet => {
    const started = new SimulatedKubelet({ clock, client, nodeName: demoNodeName, containers });
    started.start();
    return started;
  };
  let kubelet = startKubelet();
  const agent = new SimulatedAgent({ clock, client, paths: agentPaths });
  return {
    clock,
    signal,
    server,
    cloud,
    agent,
    containers,
    client,
    statusClient,
    get hub(): DemoHub {
      return hub;
    },
    get kubelet(): SimulatedKubelet {
      return kubelet;
    },
    restart: async () => {
      await kubelet.close();
      await hub.close();
      hub = await startDemoHub({ ...hubOptions, proxyPort, servePort });
      if (hub.proxyPort !== proxyPort) throw new Error(`Port ${proxyPort} was taken while the hub restarted`);
      kubelet = startKubelet();
    },
    close: async () => {
      await Promise.all([kubelet.close(), agent.close()]);
      await Promise.all([client.close(), statusClient.close()]);
      await hub.close();
      server.close();
      await cloud.close();
      await removeStore(platform, hubOptions.storePath);
    },
  };
}

function storeOf(platform: Platform): Pick<DemoHubOptions, "storePath" | "storageKey"> {
  const { random } = platform;
  const folder = (platform.process.environment["TMPDIR"] ?? "/tmp").replace(/\/+$/, "");
  const name = Array.from(random.bytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { storePath: `${folder}/holdfast-demo-${name}.db`, storageKey: random.bytes(32) };
}

/** SQLite leaves up to two files beside its own, the store one for its lock. */
async function removeStore({ files }: Platform, path: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm", ".lock"]) await files.remove(path + suffix);
}
