import assert from "node:assert/strict";
import { seedObject } from "../../../src/demo/seed_object.ts";
import type { FlagScene } from "../flag_scene.ts";
import type { HubInProcess } from "../hub_in_process.ts";
import type { HubStatus } from "../running_hub.ts";
import { ask, statusOf } from "./asking.ts";

const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/** Renews a node's lease as kubelet does: it makes it in the cloud first where it can. @returns the answer's status */
export async function renewLease(hub: HubInProcess, { cloud, clock }: FlagScene, node = "node-1"): Promise<number> {
  const renewTime = new Date(clock.now()).toISOString().replace("Z", "000Z");
  const metadata = { name: node, namespace: "kube-node-lease" };
  const lease = {
    kind: "Lease",
    apiVersion: "coordination.k8s.io/v1",
    metadata,
    spec: { holderIdentity: node, leaseDurationSeconds: 40, renewTime },
  };
  if (cloud.server.objects.list("leases.coordination.k8s.io").length === 0) seedObject(cloud.server.objects, lease);
  const got = await ask(hub, `${leasesPath}/${node}`);
  // Not checked: an assertion on what is not there fails.
  const held = got.status === 200 ? JSON.parse(got.text) as typeof lease : lease;
  const body = JSON.stringify({ ...held, spec: { ...held.spec, renewTime } });
  const headers = { "Content-Type": "application/json" };
  return (await ask(hub, `${leasesPath}/${node}`, { method: "PUT", headers, body })).status;
}

/** What the hub says of the node's lease. */
export async function leaseOf(hub: HubInProcess): Promise<HubStatus["lease"]> {
  const { lease } = await statusOf(hub);
  assert.ok(lease !== undefined);
  return lease;
}
