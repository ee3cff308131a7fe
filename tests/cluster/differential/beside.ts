import { type Scene, startHubOf, startScene } from "../driver/scene.ts";
import { Asker } from "./asker.ts";
import { prepareWorld } from "./world.ts";

/** A hub with the rights of an administrator, and who asks the API server directly and through it. */
export interface Beside {
  readonly scene: Scene;
  readonly direct: Asker;
  readonly through: Asker;
  stop(): Promise<void>;
}

/** Starts a cluster with the random writer's world in it, and a hub beside it. */
export async function startBeside(): Promise<Beside> {
  const scene = await startScene({ hub: false });
  const { cluster, relay } = scene;
  try {
    await prepareWorld(cluster);
    const hub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    const direct = new Asker(cluster.apiPort, { clusterDir: cluster.dir });
    const through = new Asker(hub.proxyPort);
    return {
      scene,
      direct,
      through,
      stop: async () => {
        direct.close();
        through.close();
        await hub.stop();
        await scene.stop();
      },
    };
  } catch (error) {
    await scene.stop();
    throw error;
  }
}
