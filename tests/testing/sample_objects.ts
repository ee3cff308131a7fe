import type { ObjectInput } from "../../src/demo/api_object.ts";
import { type DemoApiServer } from "../../src/demo/api_server.ts";
import { seedObject } from "../../src/demo/seed_object.ts";

/** Paths and objects that many tests of the hub share. */
export const mapsPath = "/api/v1/namespaces/default/configmaps";

/** A ConfigMap in `default`, written as the cloud's own controllers would. @returns its version */
export function seedMap(server: DemoApiServer, name: string, value = "1"): string {
  return seed(server, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default" },
    data: { value },
  });
}

export function seed(server: DemoApiServer, object: ObjectInput): string {
  return seedObject(server.objects, object).metadata.resourceVersion;
}

export function removeMap(server: DemoApiServer, name: string): string {
  const removed = server.objects.remove({ resource: "configmaps", namespace: "default", name });
  return removed?.metadata.resourceVersion ?? "";
}
