import assert from "node:assert/strict";
import type { HubStatus } from "../running_hub.ts";
import type { FlagScene } from "../flag_scene.ts";
import type { HubInProcess } from "../hub_in_process.ts";

export const podsPath = "/api/v1/pods";

/** An answer that was read to its end. */
export interface ReadAnswer {
  readonly status: number;
  readonly source: string;
  readonly text: string;
}

/** Asks the plain proxy, or what listens at an origin. */
export async function ask(hub: HubInProcess | string, path: string, init: RequestInit = {}): Promise<ReadAnswer> {
  const answer = await fetch((typeof hub === "string" ? hub : hub.proxy) + path, init);
  const text = await answer.text();
  return { status: answer.status, source: answer.headers.get("x-holdfast-source") ?? "", text };
}

/** What the hub says of itself. */
export async function statusOf(hub: HubInProcess): Promise<HubStatus> {
  // Not checked: an assertion on what is not there fails.
  return JSON.parse((await ask(hub.status, "/v1/status")).text) as HubStatus;
}

/** Holds all pods, kept up to date. */
export async function holdPods(hub: HubInProcess, { until }: FlagScene): Promise<void> {
  const { status } = await ask(hub, `${podsPath}?resourceVersion=0`);
  assert.equal(status, 200);
  await until(async () =>
    (await statusOf(hub)).collections.some(({ resource, state }) => resource === "pods" && state === "live")
  );
}

/** Waits until the hub knows that nobody listens any more. */
export async function cutOff(hub: HubInProcess, { cloud, until }: FlagScene): Promise<void> {
  await cloud.close();
  await until(async () => (await statusOf(hub)).link.state === "offline", 200);
}

/** How often the cloud was asked for exactly this. */
export function timesAsked({ cloud }: FlagScene, what: string): number {
  return cloud.asked.filter((one) => one.what === what).length;
}

/** Leaves what is asked for open: an API server that neither answers nor refuses. */
export function silentFor({ cloud }: FlagScene, path: string): void {
  cloud.intercept = ({ rawPath, signal }) => {
    if (rawPath !== path) return undefined;
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => resolve(new Response(null, { status: 503 })), { once: true })
    );
  };
}
