import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { condition, getJson } from "./driver/api_client.ts";
import { isAlive } from "./driver/leftovers.ts";
import { configMap, list, pod, secret } from "./driver/manifests.ts";
import type { KubeNode } from "./driver/node.ts";
import { environmentOf } from "./driver/process_view.ts";
import { type Scene, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const POD = "/api/v1/namespaces/default/pods/worker";
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${NODE}`;

const worker = pod({
  name: "worker",
  nodeName: NODE,
  container: {
    env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "login", key: "password" } } }],
    envFrom: [{ configMapRef: { name: "settings" } }],
    volumeMounts: [
      { name: "login", mountPath: "/etc/login" },
      { name: "settings", mountPath: "/etc/settings" },
      { name: "token", mountPath: "/var/run/own-token" },
    ],
  },
  volumes: [
    { name: "login", secret: { secretName: "login" } },
    { name: "settings", configMap: { name: "settings" } },
    {
      name: "token",
      projected: { sources: [{ serviceAccountToken: { path: "token", audience: "tests", expirationSeconds: 600 } }] },
    },
  ],
});

describe("kubelet through the hub", () => {
  let scene: Scene;
  let node: KubeNode;

  before(async () => {
    scene = await startScene({ hub: true, node: true, nodeName: NODE });
    assert.ok(scene.node);
    node = scene.node;
  });
  after(() => scene?.stop());

  it("registers the node, which becomes Ready", async () => {
    await waitFor(`${NODE} to be Ready`, 30_000, async (seen) => {
      const object = await getJson(scene.cluster.api, `/api/v1/nodes/${NODE}`);
      seen(object.status?.conditions);
      return condition(object, "Ready") === "True";
    });
  });

  it("runs a bound pod with its Secret, ConfigMap and tokens", async () => {
    const { direct } = scene.cluster;
    await direct.ok(["create", "-f", "-"], {
      stdin: list(secret("login", { password: "s3cret" }), configMap("settings", { COLOUR: "green" }), worker),
    });
    await waitFor("the pod to be Ready in the cloud", 30_000, async (seen) => {
      const object = await getJson(scene.cluster.api, POD);
      seen(object.status);
      return object.status?.phase === "Running" && condition(object, "Ready") === "True";
    });
    const pid = node.pidOf("worker");
    assert.ok(isAlive(pid));
    const env = environmentOf(pid);
    assert.equal(env["PASSWORD"], "s3cret");
    assert.equal(env["COLOUR"], "green");
    assert.equal(readFileSync(join(env["MOUNT_etc_login"] ?? "", "password"), "utf8"), "s3cret");
    assert.equal(readFileSync(join(env["MOUNT_etc_settings"] ?? "", "COLOUR"), "utf8"), "green");
    const { uid } = (await getJson(scene.cluster.api, POD)).metadata;
    const own = claimsOf(join(env["MOUNT_var_run_own_token"] ?? "", "token"));
    assert.deepEqual(own.aud, ["tests"]);
    for (
      const claims of [own, claimsOf(join(env["MOUNT_var_run_secrets_kubernetes_io_serviceaccount"] ?? "", "token"))]
    ) {
      assert.equal(claims.sub, "system:serviceaccount:default:default");
      assert.deepEqual(claims["kubernetes.io"].pod, { name: "worker", uid });
    }
  });

  it("renews the node's lease", async () => {
    const renewTimeOtherThan = (earlier: string | undefined): Promise<string> =>
      waitFor(`a renewTime of the lease other than ${earlier}`, 15_000, async () => {
        const time = String((await getJson(scene.cluster.api, LEASE)).spec?.["renewTime"]);
        return time !== earlier && time;
      });
    const first = await renewTimeOtherThan(undefined);
    const later = await renewTimeOtherThan(first);
    assert.ok(Date.parse(later) > Date.parse(first), `${later} after ${first}`);
  });

  it("ends the process of a pod that is deleted in the cloud", async () => {
    const pid = node.pidOf("worker");
    await scene.cluster.direct.ok(["delete", "pod", "worker", "--wait=false"]);
    await waitFor("the pod to be gone", 20_000, async () => (await scene.cluster.api(POD)).status === 404);
    assert.ok(!isAlive(pid));
  });
});

interface Claims {
  readonly sub: string;
  readonly aud: readonly string[];
  readonly "kubernetes.io": { readonly pod: { readonly name: string; readonly uid: string } };
}

function claimsOf(file: string): Claims {
  const [, payload = ""] = readFileSync(file, "utf8").split(".");
  // A token of the API server; the assertions look at each field.
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Claims;
}
