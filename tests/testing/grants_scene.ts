import assert from "node:assert/strict";
import { type CallersScene, serveCallers } from "./callers_scene.ts";
import { createRbac, type Rbac, type Rule } from "./rbac.ts";
import type { HubAnswer } from "./running_hub.ts";
import { seed } from "./sample_objects.ts";

export const maps = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;
export const watchOf = (path: string): string => `${path}?watch=true&allowWatchBookmarks=true`;
export const readAll = (namespace?: string): Rule => ({
  verbs: ["get", "list", "watch"],
  resource: "configmaps",
  ...(namespace === undefined ? {} : { namespace }),
});

/** Two ConfigMaps `a` and `b` in each of the namespaces `red` and `blue`, and who may read them. */
export async function withGrants(run: (scene: CallersScene, rbac: Rbac) => Promise<void>): Promise<void> {
  const rbac = createRbac();
  await serveCallers(async (scene) => {
    for (const namespace of ["red", "blue"]) {
      seed(scene.server, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
      for (const name of ["a", "b"]) {
        seed(scene.server, {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name, namespace, uid: `${namespace}-${name}` },
          data: { of: namespace },
        });
      }
    }
    await run(scene, rbac);
  }, { intercept: (exchange) => rbac.intercept(exchange) });
}

/** Status, source and number of items. */
export function assertAnswer(
  { status, headers, body }: HubAnswer,
  want: readonly [number, string | null, number],
): void {
  assert.deepEqual([status, headers.get("x-holdfast-source"), body.items?.length ?? 0], want);
}

export const fromReplica = [200, "replica", 2] as const;
export const watchesOf = ({ seen }: CallersScene): CallersScene["seen"] =>
  seen.filter(({ path }) => path.includes("configmaps") && path.includes("watch="));
