import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ApiAnswer, type ApiClient, directClient, getJson, tokenClient } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { metricSum } from "./driver/metrics.ts";
import { freePorts } from "./driver/ports.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const NODE = "node-1";
/** What a node may list and watch too. */
const services = (namespace: string) => `/api/v1/namespaces/${namespace}/services`;
const newest = (namespace: string) => `${services(namespace)}?resourceVersion=0`;

describe("service accounts of two namespaces", () => {
  let scene: Scene;
  let hub: Hub;
  let securePort: number;
  let red: ApiClient;
  let blue: ApiClient;
  let redToken: string;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    const { direct } = cluster;
    for (const namespace of ["red", "blue"]) {
      await direct.ok(["create", "namespace", namespace]);
      await direct.ok(["create", "serviceaccount", "app", "-n", namespace]);
      await direct.ok(["create", "service", "clusterip", `of-${namespace}`, "--tcp=80", "-n", namespace]);
      await direct.ok(["create", "role", "reader", "--verb=get,list,watch", "--resource=services", "-n", namespace]);
      await direct.ok([
        "create",
        "rolebinding",
        "own",
        "--role=reader",
        `--serviceaccount=${namespace}:app`,
        "-n",
        namespace,
      ]);
    }
    await direct.ok(["create", "rolebinding", "other", "--role=reader", "--serviceaccount=blue:app", "-n", "red"]);
    const [port] = await freePorts(1);
    assert.ok(port !== undefined);
    securePort = port;
    const flags = [
      `--proxy-secure-port=${port}`,
      `--tls-cert-file=${cluster.dir}/apiserver.crt`,
      `--tls-private-key-file=${cluster.dir}/apiserver.key`,
    ];
    hub = await startHubOf({ cluster, relay, name: NODE, identity: NODE, flags });
    const tokenOf = async (namespace: string) => (await direct.ok(["create", "token", "app", "-n", namespace])).trim();
    redToken = await tokenOf("red");
    red = clientOf(redToken);
    blue = clientOf(await tokenOf("blue"));
  });
  after(async () => {
    await hub?.stop();
    await scene?.stop();
  });

  const clientOf = (token: string) => tokenClient({ dir: scene.cluster.dir, port: securePort, token });
  const assertFrom = (answer: ApiAnswer, status: number, source: string | undefined) =>
    assert.deepEqual([answer.status, answer.headers["x-holdfast-source"]], [status, source], answer.text);

  it("read what RBAC lets them, from one watch; else they get the API server's own 403", async () => {
    const before = await serviceWatches(scene);
    for (const client of [red, blue]) {
      const answer = await client(newest("red"));
      assertFrom(answer, 200, "replica");
      assert.match(answer.text, /"of-red"/);
      assertFrom(await client(`${services("red")}/of-red?resourceVersion=0`), 200, "replica");
    }
    assert.equal(await serviceWatches(scene) - before, 1);
    assertFrom(await blue(newest("blue")), 200, "replica");
    const direct = tokenClient({ dir: scene.cluster.dir, port: scene.cluster.apiPort, token: redToken });
    for (const path of [newest("blue"), services("blue"), "/api/v1/services?resourceVersion=0", "/api/v1/nodes"]) {
      const [want, got] = [await direct(path), await red(path)];
      assert.equal(want.status, 403);
      assertFrom(got, 403, "cloud");
      assert.equal(got.text, want.text);
    }
    assert.doesNotMatch(hub.log(), new RegExp(redToken));
  });

  it("and nobody else is let in: forged, of no algorithm, for another audience, another's certificate", async () => {
    const [head = "", claims = "", signature = ""] = redToken.split(".");
    const none = btoa(JSON.stringify({ alg: "none", kid: kidOf(head) })).replace(/=+$/, "");
    const vault = await scene.cluster.direct.ok(["create", "token", "app", "-n", "red", "--audience=vault"]);
    for (
      const token of [`${none}.${claims}.`, `${head}.${claims}.${signature.slice(0, -8)}AAAAAAAA`, vault.trim(), "x"]
    ) {
      assertFrom(await clientOf(token)(newest("red")), 401, undefined);
    }
    const { dir } = scene.cluster;
    assert.equal((await directClient({ dir, port: securePort })(newest("red"))).status, 403);
    assert.equal((await directClient({ dir, port: securePort, identity: NODE })(newest("red"))).status, 200);
  });

  it("read offline what they were granted, after a restart too, and nothing else", async () => {
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    const check = async () => {
      for (const client of [red, blue]) assertFrom(await client(newest("red")), 200, "replica");
      assertFrom(await blue(newest("blue")), 200, "replica");
      assertFrom(await red(newest("blue")), 503, undefined);
      assertFrom(await red(`${services("blue")}/of-blue`), 503, undefined);
      assertFrom(await red(services("red"), { method: "POST", body: "{}" }), 503, undefined);
      assertFrom(await clientOf(`${redToken.slice(0, -8)}AAAAAAAA`)(newest("red")), 401, undefined);
    };
    await check();
    await hub.stop();
    await hub.start();
    await hub.waitForLink("offline", 20_000);
    await check();
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
  });

  it("lose at once, for new requests that the cloud answers, what RBAC takes back", async () => {
    await scene.cluster.direct.ok(["delete", "rolebinding", "other", "-n", "red"]);
    await waitFor("the API server to refuse it", 10_000, async () => (await blue(services("red"))).status === 403);
    // That refusal has put the grant to list in doubt: it is no longer read from the replica.
    await waitFor("the hub to pass it on", 10_000, async () => (await blue(newest("red"))).status === 403);
    assert.ok((await getJson(red, newest("red"))).items?.length === 1);
  });
});

function kidOf(head: string): string {
  const header = JSON.parse(atob(head.replaceAll("-", "+").replaceAll("_", "/"))) as { readonly kid: string };
  return header.kid;
}

function serviceWatches({ cluster }: Scene): Promise<number> {
  return metricSum(cluster.api, "apiserver_longrunning_requests", {
    resource: "services",
    verb: "WATCH",
    scope: "namespace",
  });
}
