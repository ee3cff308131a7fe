import { join } from "node:path";
import { type Cluster, startCluster } from "./cluster.ts";
import { type Hub, type HubOptions, startHub } from "./hub.ts";
import { type KubeNode, startNode } from "./node.ts";
import { type Relay, startRelay } from "./relay.ts";

const RBAC: string = join(import.meta.dirname, "..", "..", "..", "deploy", "rbac", "hub.yaml");

/** A cluster, a relay in front of it, and, where asked for, the node's hub behind the relay and the node behind the hub. */
export interface Scene {
  readonly cluster: Cluster;
  readonly relay: Relay;
  readonly hub?: Hub;
  readonly node?: KubeNode;
  /** Ends all of it in the order in which each still finds what it needs. */
  stop(): Promise<void>;
}

export interface SceneOptions {
  readonly hub: boolean;
  /** The node behind the hub, which it needs. @default {false} */
  readonly node?: boolean;
  /** `node-1` … `node-4`. @default {node-1} */
  readonly nodeName?: string;
  /** Whether nodes have the rights of `deploy/rbac/hub.yaml`. @default {false} */
  readonly rights?: boolean;
}

export async function startScene(options: SceneOptions): Promise<Scene> {
  const { nodeName = "node-1" } = options;
  const cluster = await startCluster();
  const relay = await startRelay({ targetPort: cluster.apiPort });
  const scene: { hub?: Hub; node?: KubeNode } = {};
  const stop = async (): Promise<void> => {
    await relay.setMode("pass");
    await scene.node?.stop();
    const hubStopped = scene.hub?.stop();
    await hubStopped?.catch(() => undefined);
    await relay.close();
    await cluster.stop();
    await hubStopped;
  };
  try {
    if (options.rights) await cluster.direct.ok(["apply", "-f", RBAC]);
    if (options.hub) scene.hub = await startHubOf({ cluster, relay, name: nodeName, identity: nodeName });
    if (options.hub && options.node && scene.hub) {
      const { program, dir: clusterDir } = cluster;
      scene.node = await startNode({ program, name: nodeName, clusterDir, server: scene.hub.url });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { cluster, relay, ...scene, stop };
}

export interface HubOfCluster extends Pick<HubOptions, "name" | "flags"> {
  readonly cluster: Cluster;
  readonly relay: Relay;
  /** Whose kubeconfig it uses: `node-1`, `admin`. */
  readonly identity: string;
}

/** A hub behind the relay, with a client certificate of the cluster. */
export function startHubOf({ cluster, relay, name, identity, flags = [] }: HubOfCluster): Promise<Hub> {
  return startHub({
    name,
    dir: cluster.dir,
    serverAddr: `https://127.0.0.1:${relay.port}`,
    kubeconfig: cluster.kubeconfig(identity),
    nodeName: name,
    flags,
  });
}
