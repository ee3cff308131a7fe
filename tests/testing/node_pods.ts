import { applyPatch } from "../../src/kube/patch.ts";
import type { ObjectPath } from "../../src/replica/object_path.ts";

/** The path of a pod in `default`. */
export function podPath(name: string): ObjectPath {
  return { group: "", version: "v1", resource: "pods", namespace: "default", name };
}

export interface PodOptions {
  readonly uid?: string;
  readonly phase?: string;
  readonly message?: string;
  readonly ready?: string;
  readonly nodeName?: string;
}

export interface PodObject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string | undefined;
  };
  readonly spec: { readonly nodeName: string; readonly containers: readonly unknown[] };
  readonly status: Readonly<Record<string, unknown>>;
}

/** A pod of node-1 as bytes of JSON; its uid is its name unless another is given. */
export function podBytes(name: string, version: number | string, options: PodOptions = {}): Uint8Array {
  return jsonBytes(podObject(name, String(version), options));
}

export function podObject(name: string, resourceVersion: string | undefined, options: PodOptions = {}): PodObject {
  const { uid = name, phase = "Running", message, ready = "True", nodeName = "node-1" } = options;
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name, namespace: "default", uid, resourceVersion },
    spec: { nodeName, containers: [{ name: "c", image: "i" }] },
    status: { phase, message, conditions: [{ type: "Ready", status: ready }], qosClass: "BestEffort" },
  };
}

/** The pod with a strategic merge patch of its status. */
export function withStatus(pod: Uint8Array, status: unknown): Uint8Array {
  return applyPatch(pod, {
    body: jsonBytes({ status }),
    contentType: "application/strategic-merge-patch+json",
    subresource: "status",
  });
}

export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
