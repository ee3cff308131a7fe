import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ApiAnswer, type ApiClient, directClient, getJson, tokenClient } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { approveServing } from "./driver/join.ts";
import { list, pod } from "./driver/manifests.ts";
import { metricSum } from "./driver/metrics.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const NODE = "node-1";
/** What a node may list and watch too. */
const services = (namespace: string) => `/api/v1/namespaces/${namespace}/services`;
const newest = (namespace: string) => `${services(namespace)}?resourceVersion=0`;
/** What a node may neither list nor watch, but by the names that its pods use. */
const secrets = "/api/v1/namespaces/red/secrets";
/** Looked for in everything that the hub leaves behind. */
const MARKER = "marker-6f1c2d-of-a-secret";
const OWN_PODS = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1";

describe("service accounts of two namespaces", () => {
  let scene: Scene;
  let hub: Hub;
  let red: ApiClient;
  let blue: ApiClient;
  let redToken: string;
  let blueToken: string;
  let bad: readonly string[];

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    const { direct } = cluster;
    for (const namespace of ["red", "blue"]) {
      await direct.ok(["create", "namespace", namespace]);
      await direct.ok(["create", "serviceaccount", "app", "-n", namespace]);
      await direct.ok(["create", "service", "clusterip", `of-${namespace}`, "--tcp=80", "-n", namespace]);
      const verbs = ["--verb=get,list,watch", "--resource=services,secrets"];
      await direct.ok(["create", "role", "reader", ...verbs, "-n", namespace]);
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
    hub = await startHubOf({ cluster, relay, name: NODE, identity: NODE, flags: ["--node-ip=127.0.0.1"] });
    await approveServing(cluster.api, { hub, nodeName: NODE });
    const tokenOf = async (namespace: string) => (await direct.ok(["create", "token", "app", "-n", namespace])).trim();
    redToken = await tokenOf("red");
    red = clientOf(redToken);
    blueToken = await tokenOf("blue");
    blue = clientOf(blueToken);
    const [head = "", claims = "", signature = ""] = redToken.split(".");
    const none = btoa(JSON.stringify({ alg: "none", kid: headerOf(redToken).kid })).replace(/=+$/, "");
    const vault = (await direct.ok(["create", "token", "app", "-n", "red", "--audience=vault"])).trim();
    const key = readFileSync(join(cluster.dir, "service-account.key"), "utf8");
    const forged = `${head}.${claims}.${signature.slice(0, -8)}AAAAAAAA`;
    bad = [`${none}.${claims}.`, forged, vault, "x", expired(redToken, key)];
  });
  after(async () => {
    await hub?.stop();
    await scene?.stop();
  });

  const clientOf = (token: string) => tokenClient({ dir: scene.cluster.dir, port: hub.securePort, token });
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

  it("and nobody else is let in: forged, of no algorithm, for another audience, expired, another's certificate", async () => {
    const direct = (token: string) => tokenClient({ dir: scene.cluster.dir, port: scene.cluster.apiPort, token });
    for (const token of bad) {
      assert.equal((await direct(token)(newest("red"))).status, 401);
      assertFrom(await clientOf(token)(newest("red")), 401, undefined);
    }
    await refuseCertificates();
    assert.equal((await certificate(NODE)(newest("red"))).status, 200);
  });

  it("share by one of them what the node may not list; the node gets the API server's own 403", async () => {
    const { direct } = scene.cluster;
    await direct.ok(["create", "secret", "generic", "marked", `--from-literal=key=${MARKER}`, "-n", "red"]);
    const before = await watches("secrets");
    for (const client of [red, blue]) {
      const answer = await client(`${secrets}?resourceVersion=0`);
      assertFrom(answer, 200, "replica");
      assert.match(answer.text, new RegExp(btoa(MARKER)));
      assertFrom(await client(`${secrets}/marked`), 200, "cloud");
    }
    assert.equal(await watches("secrets") - before, 1);
    const node = directClient({ dir: scene.cluster.dir, port: scene.cluster.apiPort, identity: NODE });
    for (const path of [`${secrets}?resourceVersion=0`, `${secrets}/marked`]) {
      const [want, got] = [await node(path), await hub.api(path)];
      assert.equal(want.status, 403);
      assertFrom(got, 403, "cloud");
      assert.equal(got.text, want.text);
    }
    await direct.ok(["create", "secret", "generic", "later", "--from-literal=key=x", "-n", "red"]);
    await waitFor("the sponsor's watch to bring it", 5_000, async () => {
      return (await getJson(blue, `${secrets}?resourceVersion=0`)).items?.some(({ metadata }) =>
        metadata.name === "later"
      );
    });
  });

  it("read offline what they were granted, after a restart too, and nothing else", async () => {
    const check = async () => {
      for (const client of [red, blue]) assertFrom(await client(newest("red")), 200, "replica");
      assertFrom(await blue(newest("blue")), 200, "replica");
      assertFrom(await red(newest("blue")), 503, undefined);
      assertFrom(await red(`${services("blue")}/of-blue`), 503, undefined);
      assertFrom(await red(services("red"), { method: "POST", body: "{}" }), 503, undefined);
      for (const client of [red, blue]) {
        assertFrom(await client(`${secrets}?resourceVersion=0`), 200, "replica");
        assertFrom(await client(`${secrets}/marked`), 200, "replica");
      }
      for (const path of [secrets, `${secrets}/marked`]) assertFrom(await hub.api(path), 503, undefined);
      for (const token of bad) assertFrom(await clientOf(token)(newest("red")), 401, undefined);
      await refuseCertificates();
      await refuseStatus();
    };
    await scene.cluster.direct.ok(["create", "-f", "-"], { stdin: list(pod({ name: "held", nodeName: NODE })) });
    await waitFor("the hub to hold the pod", 10_000, async () => {
      return (await getJson(hub.api, `${OWN_PODS}&resourceVersion=0`)).items?.length === 1;
    });
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    await check();
    await hub.stop();
    await hub.start();
    await hub.waitForLink("offline", 20_000);
    await check();
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
  });

  it("lose what RBAC takes back: new requests at once, a running watch after a minute of nothing but refusals", async () => {
    const ca = readFileSync(join(scene.cluster.dir, "ca.crt"), "utf8");
    const path = `${services("red")}?watch=true&allowWatchBookmarks=true`;
    const ends = new PlainWatch(hub.securePort, path, { as: { ca, token: blueToken } });
    const stays = new PlainWatch(hub.securePort, path, { as: { ca, token: redToken } });
    for (const watch of [ends, stays]) {
      await watch.waitForEvent("the state", 5_000, (event) => event.includes("of-red"));
    }
    await scene.cluster.direct.ok(["delete", "rolebinding", "other", "-n", "red"]);
    await waitFor("the API server to refuse it", 10_000, async () => (await blue(services("red"))).status === 403);
    // That refusal has put in doubt what was granted of that query: it is no longer read from the replica.
    await waitFor("the hub to pass it on", 10_000, async () => (await blue(newest("red"))).status === 403);
    assert.ok((await getJson(red, newest("red"))).items?.length === 1);
    const error = await ends.waitForEvent("its end", 90_000, (event) => event.startsWith('{"type":"ERROR"'));
    assert.match(error, /"code":403/);
    await scene.cluster.direct.ok(["create", "service", "clusterip", "last", "--tcp=80", "-n", "red"]);
    await stays.waitForEvent("another service", 5_000, (event) => event.includes('"last"'));
    assert.ok(!ends.events.some((event) => event.includes('"last"')));
    stays.close();
  });

  it("leave nothing in clear: neither a Secret nor a token is in the hub's folder or log", async () => {
    const seek = () => {
      const files = readdirSync(hub.rootDir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
      assert.ok(files.some(({ name }) => name.endsWith("-wal")), "there is no WAL to look into");
      const texts = [...files.map(({ parentPath, name }) => join(parentPath, name)), hub.logFile]
        .map((file) => [file, readFileSync(file, "latin1")] as const);
      for (const [file, text] of texts) {
        for (const hidden of [MARKER, btoa(MARKER), redToken, blueToken, redToken.split(".")[2] ?? ""]) {
          assert.ok(!text.includes(hidden), `${file} has ${hidden.slice(0, 20)}`);
        }
      }
    };
    seek();
    await hub.kill();
    seek();
  });

  const certificate = (identity: string) => directClient({ dir: scene.cluster.dir, port: hub.securePort, identity });
  /** Whoever comes with another certificate than this node's is told to use a token, whatever token comes with it. */
  const refuseCertificates = async () => {
    for (const identity of ["admin", "node-2"]) {
      for (const headers of [{}, { authorization: `Bearer ${redToken}` }]) {
        const answer = await certificate(identity)(newest("red"), { headers });
        assertFrom(answer, 403, undefined);
        assert.match(answer.text, /use a token/);
      }
    }
  };
  const refuseStatus = async () => {
    const headers = { "content-type": "application/merge-patch+json" };
    const status = { method: "PATCH", headers, body: JSON.stringify({ status: { phase: "Failed" } }) };
    assertFrom(await red("/api/v1/namespaces/default/pods/held/status", status), 503, undefined);
    assert.deepEqual((JSON.parse((await hub.status("/v1/outbox")).text) as { waiting: unknown[] }).waiting, []);
  };
  const watches = (resource: string) => watchesOf(scene, resource);
});

/** The same claims, whose time is over, signed with the cluster's own key. */
function expired(token: string, key: string): string {
  const [head = "", claims = ""] = token.split(".");
  // Not checked: the API server has made it.
  const told = JSON.parse(Buffer.from(claims, "base64url").toString()) as Readonly<Record<string, unknown>>;
  const now = Math.floor(Date.now() / 1_000);
  const over = { ...told, iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 };
  const signed = `${head}.${Buffer.from(JSON.stringify(over)).toString("base64url")}`;
  const signature = sign("sha256", Buffer.from(signed), { key: createPrivateKey(key), dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

function headerOf(token: string): { readonly kid: string } {
  // Not checked: the API server has made it.
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { readonly kid: string };
}

function serviceWatches(scene: Scene): Promise<number> {
  return watchesOf(scene, "services");
}

function watchesOf({ cluster }: Scene, resource: string): Promise<number> {
  return metricSum(cluster.api, "apiserver_longrunning_requests", { resource, verb: "WATCH", scope: "namespace" });
}
