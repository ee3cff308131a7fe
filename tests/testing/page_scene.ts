import { samplePod } from "../../src/demo/sample_cluster.ts";
import type { HubCertificates } from "../../src/hub/hub_certificates.ts";
import { type HubScene, serveHub } from "./hub_scene.ts";
import { emptied, ownPods, patchStatus, seedPod } from "./outbox_scene.ts";
import { mapsPath, seed, seedMap } from "./sample_objects.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const clients = [
  ["kubelet/v1.36.0 (linux/arm64)", [
    "/api/v1/services",
    ownPods,
    `${mapsPath}?fieldSelector=metadata.name%3Dweb-settings`,
  ]],
  ["kube-proxy/v1.36.0 (linux/arm64)", ["/api/v1/services", "/api/v1/nodes"]],
  ["coredns/1.13.1", ["/api/v1/namespaces", "/api/v1/services"]],
  ["flanneld/v0.27.4", ["/api/v1/nodes"]],
] as const;

/** Runs a test with a hub that has seen an eventful hour: clients with watches, two cuts, writes that waited. */
export function servePageScene(run: (scene: HubScene) => Promise<void>): Promise<void> {
  return serveHub(async (scene) => {
    fill(scene);
    for (const [userAgent, paths] of clients) await watchAll(scene, userAgent, paths);
    await scene.until(async () => {
      const { collections } = await scene.status();
      return collections.length > 5 && collections.every(({ state }) => state !== "syncing");
    });
    const later = (minutes: number) => scene.clock.step(minutes * minuteMs);
    later(26);
    await cutFor(scene, 7);
    later(23);
    await scene.cut();
    await patchStatus(scene, "web-1", { phase: "Running", message: "restarted" });
    await patchStatus(scene, "web-2", { phase: "Failed", message: "exit 1" });
    later(2);
    await readWhileCut(scene);
    await scene.heal();
    await emptied(scene);
    later(9);
    await run(scene);
  }, { nodeName: "node-1", certificates: certificates(), filters: { disabled: leadingToHub } });
}

/** Cuts the link for that many minutes. */
async function cutFor(scene: HubScene, minutes: number): Promise<void> {
  await scene.cut();
  await readWhileCut(scene);
  scene.clock.step(minutes * minuteMs);
  await scene.heal();
}

async function readWhileCut({ request }: HubScene): Promise<void> {
  for (const [userAgent, paths] of clients) {
    for (const path of paths) await request("GET", path, { headers: { "User-Agent": userAgent } });
  }
}

async function watchAll(scene: HubScene, userAgent: string, paths: readonly string[]): Promise<void> {
  const headers = { "User-Agent": userAgent };
  for (const path of paths) {
    const and = path.includes("?") ? "&" : "?";
    await scene.request("GET", `${path}${and}resourceVersion=0`, { headers });
    await scene.watch(`${path}${and}watch=1&resourceVersion=0`, headers);
  }
  await scene.request("GET", "/api/v1/namespaces/default", { headers });
}

function fill(scene: HubScene): void {
  const { server } = scene;
  for (const name of ["web-1", "web-2", "db-0"]) seedPod(scene, name);
  for (let i = 1; i <= 24; i++) seed(server, samplePod(`batch-${i}`, { namespace: "default", app: "batch" }));
  for (let i = 1; i <= 12; i++) {
    const metadata = { name: `service-${i}`, namespace: "default" };
    seed(server, { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: `10.96.0.${i}` } });
  }
  for (const name of ["node-1", "node-2"]) seed(server, { apiVersion: "v1", kind: "Node", metadata: { name } });
  seedMap(server, "web-settings", "x".repeat(3_000));
}

/** Those of a hub whose HTTPS port is not approved yet. */
function certificates(): HubCertificates {
  const approval = "the request node-1-serving waits to be approved";
  return {
    client: { failure: () => undefined, expiresAt: () => Date.UTC(2026, 0, 1) + 212 * dayMs },
    serving: { failure: () => approval, expiresAt: () => undefined },
    servingDistrusted: () => undefined,
  };
}

/** Those that need a TLS port. */
const leadingToHub = ["masterservice", "forwardkubesvctraffic", "inclusterconfig", "serviceenvupdater"];
