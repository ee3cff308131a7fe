import { fieldAt, fieldText, isJsonObject, type JsonObject } from "./api_object.ts";
import type { DemoWorld } from "./demo_world.ts";
import { demoNodeName, samplePod } from "./sample_cluster.ts";
import { seedObject } from "./seed_object.ts";
import { type Terminal, until } from "./terminal.ts";

const stepTimeoutMs = 5000;
const podsPath = "/api/v1/pods";
const settingsPath = "/api/v1/namespaces/default/configmaps/web-settings";
/** Answered by the hub's own copy, online too: an agent on the node watches it. */
const heldPodsPath = `${podsPath}?resourceVersion=0`;

/**
 * Plays the story: up, link cut, reads go on, hub and kubelet restarted while cut, link back, caught up. Each step looks
 * at the cluster itself.
 *
 * @returns whether every step was true
 * @throws the signal's reason where it is aborted
 */
export async function playStory(world: DemoWorld, terminal: Terminal): Promise<boolean> {
  const teller = new Teller(world, terminal);
  terminal.heading("A small cluster is up: an API server, a hub in front of it, a kubelet behind it");
  await tellUp(teller);
  terminal.heading("The link to the cloud is cut");
  await world.cloud.cut();
  await tellCut(teller);
  terminal.heading("Hub and kubelet are restarted while the link is cut");
  await tellRestart(teller);
  terminal.heading("The cloud goes on meanwhile, then the link comes back");
  await tellReturn(teller);
  return teller.allTrue;
}

class Teller {
  readonly world: DemoWorld;
  readonly #terminal: Terminal;
  #allTrue = true;

  constructor(world: DemoWorld, terminal: Terminal) {
    this.world = world;
    this.#terminal = terminal;
  }

  get allTrue(): boolean {
    return this.#allTrue;
  }

  async step(text: string, check: () => boolean | Promise<boolean>): Promise<void> {
    const { clock, signal } = this.world;
    const startMs = clock.monotonic();
    const ok = await until(check, { clock, signal, timeoutMs: stepTimeoutMs });
    const note = ok ? `${Math.round(clock.monotonic() - startMs)} ms` : `not within ${stepTimeoutMs / 1000} s`;
    this.#allTrue &&= ok;
    this.#terminal.result(text, { ok, note });
  }
}

async function tellUp(teller: Teller): Promise<void> {
  const { world } = teller;
  await teller.step("the hub sees the cloud", () => linkIs(world, "online"));
  await teller.step(`the kubelet has registered ${demoNodeName} through the hub`, async () => {
    const { status } = await get(world, `/api/v1/nodes/${demoNodeName}`);
    return status === 200 && world.kubelet.registered;
  });
  await teller.step("its 3 pods run, and the cloud knows", () => runningInCloud(world) === 3);
  await teller.step("get pods through the hub shows what the cloud has", () => sameAsCloud(world, podsPath));
  await teller.step("an agent on the node watches pods, nodes, ConfigMaps and Services", () => world.agent.synced);
}

async function tellCut(teller: Teller): Promise<void> {
  const { world } = teller;
  const version = String(world.server.objects.version);
  await teller.step("the hub has noticed", () => linkIs(world, "offline"));
  await teller.step("get pods is answered from the replica, with the same 3 pods", async () => {
    const { source } = await get(world, podsPath);
    return source === "replica" && await sameAsCloud(world, podsPath);
  });
  await teller.step("the ConfigMap that the agent watches is still there", async () => {
    const { body } = await get(world, settingsPath);
    return fieldText(body, "data.greeting") === "hello from the edge";
  });
  await teller.step("what was never read is an error, not an empty list", async () => {
    return (await get(world, "/api/v1/secrets")).status === 503;
  });
  await teller.step("a write is refused, not lost", async () => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" } };
    const path = "/api/v1/namespaces/default/configmaps";
    const { status } = await world.client.call({ method: "POST", path, body, signal: world.signal });
    return status === 503 && String(world.server.objects.version) === version;
  });
}

async function tellRestart(teller: Teller): Promise<void> {
  const { world } = teller;
  const before = [...world.containers];
  await world.restart();
  await teller.step("the new hub lists the same 3 pods, from disk", async () => {
    const { source } = await get(world, podsPath);
    return source === "replica" && await linkIs(world, "offline") && await sameAsCloud(world, podsPath);
  });
  await teller.step("the new kubelet registers (409: its node is there) and finds its pods", () => {
    return world.kubelet.registered && world.kubelet.synced;
  });
  await teller.step("no container was stopped or started", () => {
    return before.length === 3 && JSON.stringify(before) === JSON.stringify([...world.containers]);
  });
}

async function tellReturn(teller: Teller): Promise<void> {
  const { world } = teller;
  const { objects } = world.server;
  seedObject(objects, samplePod("web-3", { namespace: "default", app: "web" }), world.clock.now());
  objects.remove({ resource: "pods", namespace: "default", name: "web-2" });
  await world.cloud.heal();
  await teller.step("the hub sees the cloud again", () => linkIs(world, "online"));
  await teller.step("web-3, made meanwhile, runs", () => {
    const pod = objects.get({ resource: "pods", namespace: "default", name: "web-3" });
    return pod !== undefined && fieldText(pod, "status.phase") === "Running";
  });
  await teller.step("web-2, deleted meanwhile, has stopped", () => {
    const uids = new Set(objects.list("pods").map((pod) => pod.metadata.uid));
    return world.containers.size === 3 && [...world.containers.keys()].every((uid) => uids.has(uid));
  });
  await teller.step("the node's lease is renewed in the cloud", () => leaseAgeMs(world) < 2000);
  await teller.step("the hub's own copy is the cloud's, version for version", async () => {
    const { source } = await get(world, heldPodsPath);
    return source === "replica" && await sameAsCloud(world, heldPodsPath);
  });
}

function get(world: DemoWorld, path: string): ReturnType<DemoWorld["client"]["call"]> {
  return world.client.call({ path, signal: world.signal });
}

async function linkIs(world: DemoWorld, state: string): Promise<boolean> {
  const { body } = await world.statusClient.call({ path: "/v1/status", signal: world.signal });
  return fieldText(body, "link.state") === state;
}

function runningInCloud(world: DemoWorld): number {
  return world.server.objects.list("pods").filter((pod) => fieldText(pod, "status.phase") === "Running").length;
}

/** Whether the hub's list of pods has the names and versions of the cloud's own. */
async function sameAsCloud(world: DemoWorld, path: string): Promise<boolean> {
  const { status, body } = await get(world, path);
  return status === 200 && namesAndVersions(itemsOf(body)) === namesAndVersions(world.server.objects.list("pods"));
}

function namesAndVersions(objects: readonly JsonObject[]): string {
  return objects.map(nameAndVersion).toSorted((a, b) => a.localeCompare(b)).join(", ");
}

function itemsOf(list: JsonObject): readonly JsonObject[] {
  const { items } = list;
  return Array.isArray(items) ? items.filter(isJsonObject) : [];
}

function nameAndVersion(object: JsonObject): string {
  const metadata = fieldAt(object, "metadata");
  return isJsonObject(metadata) ? `${fieldText(metadata, "name")} ${fieldText(metadata, "resourceVersion")}` : "";
}

function leaseAgeMs(world: DemoWorld): number {
  const resource = "leases.coordination.k8s.io";
  const lease = world.server.objects.get({ resource, namespace: "kube-node-lease", name: demoNodeName });
  return lease === undefined ? Infinity : world.clock.now() - Date.parse(fieldText(lease, "spec.renewTime"));
}
