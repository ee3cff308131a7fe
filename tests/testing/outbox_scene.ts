import type { ApiObject } from "../../src/demo/api_object.ts";
import type { HubScene } from "./hub_scene.ts";
import { podObject, type PodOptions } from "./node_pods.ts";
import type { HubAnswer } from "./running_hub.ts";
import { seed } from "./sample_objects.ts";

export const podsPath = "/api/v1/namespaces/default/pods";
/** The pods of the node, as kubelet asks for them. */
export const ownPods = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1";
export const strategic: Readonly<Record<string, string>> = { "Content-Type": "application/strategic-merge-patch+json" };

/** A pod in the cloud. @returns its version */
export function seedPod({ server }: HubScene, name: string, options: PodOptions = {}): string {
  const { metadata: { resourceVersion: _new, ...metadata }, ...pod } = podObject(name, undefined, options);
  return seed(server, { ...pod, metadata });
}

export function cloudPod({ server }: HubScene, name: string): ApiObject | undefined {
  return server.objects.get({ resource: "pods", namespace: "default", name });
}

export function phaseOf(object: unknown): string {
  const { status } = object as { status?: { phase?: string } }; // assertions look at it
  return status?.phase ?? "";
}

/** Reads the node's pods as kubelet does, so that they are held. */
export async function holdPods(scene: HubScene): Promise<void> {
  await scene.request("GET", `${ownPods}&resourceVersion=0`);
  await scene.until(async () =>
    (await scene.status()).collections.some(({ resource, state }) => resource === "pods" && state === "live")
  );
}

export function patchStatus(scene: HubScene, name: string, status: unknown): Promise<HubAnswer> {
  return scene.request("PATCH", `${podsPath}/${name}/status`, { body: { status }, headers: strategic });
}

/** Waits until the outbox is empty. */
export async function emptied(scene: HubScene): Promise<void> {
  await scene.until(async () => (await scene.outbox()).waiting.length === 0, 250);
}

/** How what waited has ended, newest first. */
export async function ends(scene: HubScene): Promise<readonly string[]> {
  return (await scene.outbox()).settled.map(({ resource, name, how }) => `${resource}/${name} ${how}`);
}
