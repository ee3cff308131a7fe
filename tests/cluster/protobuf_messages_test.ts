import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { jsonToProtobuf, protobufToJson } from "../../src/kube/protobuf_messages.ts";
import { type ApiAnswer, getJson } from "./driver/api_client.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { pod } from "./driver/manifests.ts";
import { type KubeNode, startNode } from "./driver/node.ts";
import { type Recorded, RecordingProxy } from "./driver/recording_proxy.ts";
import { waitFor } from "./driver/wait.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const EVENTS = "/api/v1/namespaces/default/events";
const NEW_EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
const TOKEN = "/api/v1/namespaces/default/serviceaccounts/default/token";
const PODS = "/api/v1/namespaces/default/pods";
const NODE_NAME = "node-1";

const metadata = {
  labels: { b: "2", a: "1" },
  annotations: { html: "<a href='x'>&</a>", text: 'ünïcödé \u2028 \u{1f600} "quoted" \\ \n' },
  finalizers: ["example.com/held"],
  ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: "u1", controller: false }],
};
const regarding = { kind: "Pod", namespace: "default", name: "p", uid: "u", resourceVersion: "7", fieldPath: "spec" };
const OBJECTS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  [LEASES, {
    kind: "Lease",
    apiVersion: "coordination.k8s.io/v1",
    metadata: { name: "full", ...metadata },
    spec: {
      holderIdentity: "somebody",
      leaseDurationSeconds: 40,
      acquireTime: "2026-01-02T03:04:05.000001Z",
      renewTime: "2026-01-02T03:04:05.999999Z",
      leaseTransitions: 3,
    },
  }],
  [LEASES, { kind: "Lease", apiVersion: "coordination.k8s.io/v1", metadata: { name: "empty" }, spec: {} }],
  [EVENTS, {
    kind: "Event",
    apiVersion: "v1",
    metadata: { name: "full", ...metadata },
    involvedObject: regarding,
    reason: "BackOff",
    message: "Back-off <restarting> failed container",
    source: { component: "kubelet", host: "node-1" },
    firstTimestamp: "2026-01-02T03:04:05Z",
    lastTimestamp: "2026-01-02T03:05:05Z",
    count: 12,
    type: "Warning",
    eventTime: null,
    reportingComponent: "kubelet",
    reportingInstance: "node-1",
  }],
  [EVENTS, {
    kind: "Event",
    apiVersion: "v1",
    metadata: { name: "series" },
    involvedObject: { namespace: "default" },
    eventTime: "2026-01-02T03:04:05.123456Z",
    series: { count: 2, lastObservedTime: "2026-01-02T03:04:06.000000Z" },
    action: "Pull",
    reason: "Pulled",
    related: { kind: "Node", name: "node-1" },
    reportingComponent: "example.com/controller",
    reportingInstance: "controller-1",
  }],
  [EVENTS, { kind: "Event", apiVersion: "v1", metadata: { name: "bare" }, involvedObject: { namespace: "default" } }],
  [NEW_EVENTS, {
    kind: "Event",
    apiVersion: "events.k8s.io/v1",
    metadata: { name: "new", ...metadata },
    eventTime: "2026-01-02T03:04:05.123456Z",
    series: { count: 2, lastObservedTime: "2026-01-02T03:04:06.000001Z" },
    reportingController: "example.com/controller",
    reportingInstance: "controller-1",
    action: "Pull",
    reason: "Pulled",
    regarding,
    related: { kind: "Node", name: "node-1" },
    note: "a note",
    type: "Normal",
  }],
];

/** Of these there are samples in which every field has a value. */
const SAMPLES: readonly string[] = [
  "core.v1.Event",
  "core.v1.DeleteOptions",
  "events.k8s.io.v1.Event",
  "coordination.k8s.io.v1.Lease",
  "authentication.k8s.io.v1.TokenRequest",
];

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The JSON of a body of protobuf; fails where its kind is not known. */
function jsonOf(body: Uint8Array): string {
  const json = protobufToJson(body);
  assert.ok(json);
  return new TextDecoder().decode(json);
}

/** The body of protobuf of a JSON; fails where its kind is not known. */
function protobufOf(json: Uint8Array): Uint8Array {
  const body = jsonToProtobuf(json);
  assert.ok(body);
  return body;
}

function assertAnswered(answer: ApiAnswer, ...statuses: readonly number[]): void {
  assert.ok(statuses.includes(answer.status), `${answer.status} ${answer.text}`);
}

describe("protobuf messages and the API server", () => {
  let cluster: Cluster;
  let controllers = 0;

  before(async () => {
    cluster = await startCluster();
    // The garbage collector deletes what has an owner that is not there.
    controllers = Number(readFileSync(cluster.file("controller-manager.pid"), "utf8"));
    process.kill(controllers, "SIGSTOP");
  });
  after(async () => {
    if (controllers > 0) process.kill(controllers, "SIGCONT");
    await cluster?.stop();
  });

  for (const [path, object] of OBJECTS) {
    const { name } = Object.fromEntries(Object.entries(Object(object["metadata"])));
    const title = `${String(object["apiVersion"])} ${String(object["kind"])} ${String(name)}`;

    it(`${title}: what is made from our protobuf is what is made from JSON`, async () => {
      const self = `${path}/${String(name)}`;
      const fromJson = await getJson(cluster.api, `${path}?dryRun=All`, {
        method: "POST",
        body: JSON.stringify(object),
      });
      const headers = { "content-type": PROTOBUF, accept: "application/json" };
      const body = protobufOf(bytesOf(object));
      assertAnswered(await cluster.api(path, { method: "POST", headers, body }), 201);
      assert.deepEqual(settled(await getJson(cluster.api, self)), settled(fromJson));
    });

    it(`${title}: JSON of its protobuf, and protobuf of its JSON, byte for byte`, async () => {
      const self = `${path}/${String(name)}`;
      const held = JSON.stringify(object).includes("finalizers");
      if (held) await getJson(cluster.api, self, { method: "DELETE" });
      const json = await cluster.api(self);
      assert.equal(json.text.includes("deletionTimestamp"), held);
      const protobuf = await cluster.api(self, { headers: { accept: PROTOBUF } });
      assert.equal(protobuf.headers["content-type"], PROTOBUF);
      assert.equal(jsonOf(protobuf.bytes), json.text.trimEnd());
      assert.deepEqual([...protobufOf(json.bytes)], [...protobuf.bytes]);
    });
  }

  it("TokenRequest: both ways", async () => {
    const spec = { audiences: ["tests"], expirationSeconds: 700, boundObjectRef: null };
    const request = { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1", metadata: {}, spec, status: {} };
    const headers = { "content-type": PROTOBUF, accept: PROTOBUF };
    const answer = await cluster.api(TOKEN, { method: "POST", headers, body: protobufOf(bytesOf(request)) });
    assertAnswered(answer, 201);
    const json = jsonOf(answer.bytes);
    const { spec: granted, status } = Object.fromEntries(Object.entries(Object(JSON.parse(json))));
    assert.deepEqual(granted, spec);
    assert.match(JSON.stringify(status), /^\{"token":"[\w-]+\.[\w-]+\.[\w-]+","expirationTimestamp":"[\dT:-]+Z"\}$/);
    assert.deepEqual([...protobufOf(new TextEncoder().encode(json))], [...answer.bytes]);
    const plain = await cluster.api(TOKEN, { method: "POST", body: JSON.stringify(request) });
    assert.deepEqual(jsonOf(protobufOf(plain.bytes)), plain.text.trimEnd());
  });

  it("DeleteOptions: preconditions and dryRun are obeyed", async () => {
    const body = JSON.stringify({ metadata: { name: "gone" }, spec: {} });
    const { uid } = (await getJson(cluster.api, LEASES, { method: "POST", body })).metadata;
    const remove = (options: Readonly<Record<string, unknown>>): Promise<ApiAnswer> => {
      const bytes = protobufOf(bytesOf({ kind: "DeleteOptions", apiVersion: "v1", ...options }));
      // Without its length node:http sends no body with a DELETE.
      const headers = { "content-type": PROTOBUF, accept: "application/json", "content-length": `${bytes.length}` };
      return cluster.api(`${LEASES}/gone`, { method: "DELETE", headers, body: bytes });
    };
    assertAnswered(await remove({ preconditions: { uid: "other" } }), 409);
    assertAnswered(await remove({ preconditions: { uid }, dryRun: ["All"] }), 200);
    assertAnswered(await remove({ propagationPolicy: "Nobody knows it" }), 422);
    assertAnswered(await remove({ preconditions: { uid, resourceVersion: "1" } }), 409);
    assertAnswered(await cluster.api(`${LEASES}/gone`), 200);
    assertAnswered(await remove({ preconditions: { uid }, gracePeriodSeconds: 0, propagationPolicy: "Orphan" }), 200);
  });

  for (const kind of SAMPLES) {
    it(`the sample of k8s.io/api: ${kind}`, () => {
      const file = (end: string): Uint8Array => readFileSync(join(samplesFolder(), `${kind}.${end}`));
      const [protobuf, json] = [file("pb"), file("json")];
      assert.equal(jsonOf(protobuf), JSON.stringify(JSON.parse(new TextDecoder().decode(json))));
      assert.deepEqual([...protobufOf(json)], [...protobuf]);
    });
  }
});

/** In the module that the cluster program is built from. */
function samplesFolder(): string {
  const cwd = join(import.meta.dirname, "kube");
  const folder = execFileSync("go", ["list", "-m", "-f", "{{.Dir}}", "k8s.io/api"], { cwd, encoding: "utf8" });
  return join(folder.trim(), "testdata", "HEAD");
}

/** Without what each creation has of its own. */
function settled(object: unknown): unknown {
  const { metadata: meta, ...rest } = Object.fromEntries(Object.entries(Object(object)));
  const { uid: _, resourceVersion: _version, creationTimestamp: _time, managedFields: _fields, ...kept } = Object
    .fromEntries(Object.entries(Object(meta)));
  return { ...rest, metadata: kept };
}

describe("protobuf messages and a kubelet", () => {
  let cluster: Cluster;
  let proxy: RecordingProxy | undefined;
  let node: KubeNode | undefined;

  before(async () => {
    cluster = await startCluster();
    const { dir, apiPort, program } = cluster;
    const wants = (method: string, path: string): boolean =>
      method === "DELETE" || method === "PUT" || (method === "POST" && /\/(events|leases|token)(\?|$)/.test(path));
    proxy = new RecordingProxy({ dir, apiPort, identity: NODE_NAME, wants });
    node = await startNode({ program, name: NODE_NAME, clusterDir: dir, server: await proxy.listen() });
  });
  after(async () => {
    await node?.stop();
    proxy?.close();
    await cluster?.stop();
  });

  it("has every body of its leases, events, tokens and deletions in JSON and back, byte for byte", async () => {
    const manifest = JSON.stringify(pod({ name: "worker", nodeName: NODE_NAME }));
    await getJson(cluster.api, PODS, { method: "POST", body: manifest });
    const kinds = (): readonly string[] => (proxy?.records ?? []).map(({ body }) => kindOf(body));
    await waitFor("a lease, events and a token", 60_000, (seen) => {
      seen(kinds());
      return ["Lease", "Event", "TokenRequest"].every((kind) => kinds().includes(kind));
    });
    await getJson(cluster.api, `${PODS}/worker`, { method: "DELETE" });
    await waitFor("the deletion of the pod", 60_000, (seen) => {
      seen(kinds());
      return kinds().includes("DeleteOptions");
    });
    for (const record of proxy?.records ?? []) assertRound(record);
  });
});

function kindOf(body: Uint8Array): string {
  const { kind } = Object.fromEntries(Object.entries(Object(JSON.parse(jsonOf(body)))));
  return String(kind);
}

function assertRound({ method, path, contentType, body, status }: Recorded): void {
  assert.equal(contentType, PROTOBUF, path);
  assert.ok(status < 300, `${method} ${path}: ${status}`);
  const json = protobufToJson(body);
  assert.ok(json, path);
  assert.deepEqual([...protobufOf(json)], [...body], path);
}
