import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fieldLabelProblem } from "../../src/kube/field_labels.ts";
import { parseFieldSelector } from "../../src/kube/field_selector.ts";
import { isBuiltinGroup } from "../../src/kube/resources.ts";
import { WIDGET_DEFINITION } from "./differential/world.ts";
import { type ApiAnswer, type ApiClient, getJson } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { inLanes } from "./driver/lanes.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const WIDGETS = "/apis/example.com/v1/namespaces/default/widgets";

/** Objects that differ in what field selectors look at; a status is put on after it is made. */
const OBJECTS: readonly (readonly [collection: string, object: Readonly<Record<string, unknown>>, status?: unknown])[] =
  [
    ["/api/v1/nodes", { metadata: { name: "n1" }, spec: { unschedulable: true } }],
    ["/api/v1/nodes", { metadata: { name: "n2" } }],
    [
      "/api/v1/namespaces/default/pods",
      { metadata: { name: "p1" }, spec: { ...podSpec(), nodeName: "n1", hostNetwork: true } },
      { phase: "Running", podIP: "10.1.2.3", podIPs: [{ ip: "10.1.2.3" }] },
    ],
    [
      "/api/v1/namespaces/default/pods",
      { metadata: { name: "p2" }, spec: { ...podSpec(), schedulerName: "other", restartPolicy: "Never" } },
      { nominatedNodeName: "n2" },
    ],
    ["/api/v1/namespaces/default/secrets", { metadata: { name: "s1" } }],
    ["/api/v1/namespaces/default/secrets", { metadata: { name: "s2" }, type: "example.com/other" }],
    ["/api/v1/namespaces/default/services", { metadata: { name: "v1" }, spec: { clusterIP: "None" } }],
    ["/api/v1/namespaces/default/services", { metadata: { name: "v2" }, spec: { ports: [{ port: 80 }] } }],
    [
      "/api/v1/namespaces/default/services",
      { metadata: { name: "v3" }, spec: { type: "ExternalName", externalName: "example.com" } },
    ],
    ["/api/v1/namespaces/default/events", {
      metadata: { name: "e1" },
      ...eventOf("p1"),
      source: { component: "kubelet" },
    }],
    [
      "/api/v1/namespaces/default/events",
      { metadata: { name: "e2" }, ...eventOf("p2"), reportingComponent: "k", reportingInstance: "i", type: "Warning" },
    ],
    [
      "/api/v1/namespaces/default/replicationcontrollers",
      { metadata: { name: "r1" }, spec: { replicas: 0, selector: { a: "b" }, template: podTemplate() } },
    ],
    [
      "/apis/batch/v1/namespaces/default/jobs",
      {
        metadata: { name: "j1" },
        spec: { suspend: true, template: { spec: { ...podSpec(), restartPolicy: "Never" } } },
      },
    ],
  ];

/** Values of each label that some object has, that it has where an object says nothing, and one that none has. */
const VALUES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "/api/v1/nodes": { "metadata.name": ["n1", "x"], "spec.unschedulable": ["true", "false", ""] },
  "/api/v1/namespaces": { "metadata.name": ["default"], "status.phase": ["Active", ""] },
  "/api/v1/pods": {
    "metadata.name": ["p1", "p2"],
    "metadata.namespace": ["default", "x", ""],
    "spec.nodeName": ["n1", "", "x"],
    "spec.host": ["n1", ""],
    "spec.restartPolicy": ["Always", "Never"],
    "spec.schedulerName": ["default-scheduler", "other"],
    "spec.serviceAccountName": ["default", ""],
    "spec.hostNetwork": ["true", "false", ""],
    "status.phase": ["Running", "Pending"],
    "status.podIP": ["10.1.2.3", ""],
    "status.podIPs": ["10.1.2.3", ""],
    "status.nominatedNodeName": ["n2", ""],
  },
  "/api/v1/secrets": { type: ["Opaque", "example.com/other", ""] },
  "/api/v1/services": { "spec.clusterIP": ["None", ""], "spec.type": ["ClusterIP", "ExternalName"] },
  "/api/v1/replicationcontrollers": { "status.replicas": ["0", "1", ""] },
  "/api/v1/events": {
    "involvedObject.kind": ["Pod", ""],
    "involvedObject.name": ["p1", "p2"],
    "involvedObject.namespace": ["default"],
    "involvedObject.uid": ["u", ""],
    "involvedObject.apiVersion": ["v1", ""],
    "involvedObject.resourceVersion": ["7", ""],
    "involvedObject.fieldPath": ["spec", ""],
    reason: ["Because", ""],
    source: ["kubelet", "k", ""],
    reportingComponent: ["k", "kubelet", ""],
    type: ["Warning", "Normal", ""],
  },
  "/apis/events.k8s.io/v1/events": {
    "regarding.kind": ["Pod"],
    "regarding.name": ["p1"],
    "regarding.fieldPath": ["spec", ""],
    reason: ["Because"],
    reportingController: ["k", "kubelet", ""],
    type: ["Warning", ""],
  },
  "/apis/batch/v1/jobs": { "metadata.name": ["j1"], "status.successful": ["0", "1", ""] },
  "/api/v1/configmaps": { "metadata.name": ["kube-root-ca.crt"], "metadata.namespace": ["default"] },
};

describe("field selectors, asked directly and through the hub", () => {
  let scene: Scene;
  let hub: Hub;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    hub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    cluster.parts.hold("controller-manager"); // it would look after nodes and pods that are not there
    for (const [collection, object, status] of OBJECTS) {
      const { metadata } = await post(cluster.api, collection, object);
      if (status === undefined) continue;
      const path = `${collection}/${metadata.name}/status`;
      const headers = { "content-type": "application/merge-patch+json" };
      await getJson(cluster.api, path, { method: "PATCH", headers, body: JSON.stringify({ status }) });
    }
    await prepareWidgets(cluster.api, hub.api);
  });
  after(async () => {
    await hub?.stop();
    await scene?.stop();
  });

  it("fieldLabelProblem says what the API server says of every label, for every resource", async () => {
    const questions = (await listable(scene.cluster.api)).flatMap((type) =>
      LABELS.map((label) => ({ type, label, path: `${type.path}?limit=1&fieldSelector=${label}%3Dx` }))
    );
    const said = await inLanes(questions, ({ path }) => scene.cluster.api(path));
    const wrong: string[] = [];
    for (const [{ type, label, path }, { status, text }] of said) {
      const problem = fieldLabelProblem(type, parseFieldSelector(`${label}=x`));
      const want = status === 200 ? undefined : listOf({ text }).message;
      if (problem !== want) wrong.push(`${path}: ${problem ?? "known"}, the API server: ${want ?? "known"}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(said.size > 1_000, String(said.size));
  });

  it("select from a held list what the API server selects, online and offline", async () => {
    const questions = Object.entries(VALUES).flatMap(([collection, labels]) =>
      Object.entries(labels).flatMap(([label, values]) =>
        values.flatMap((value) => [`${label}=${value}`, `${label}!=${value}`]).map((selector) =>
          `${collection}?resourceVersion=0&fieldSelector=${encodeURIComponent(selector)}`
        )
      )
    );
    for (const collection of Object.keys(VALUES)) await caughtUp(scene.cluster.api, hub.api, collection);
    const selected = async (client: ApiClient) => {
      const said = await inLanes(questions, (path) => client(path));
      return questions.map((path) => {
        const answer = said.get(path);
        assert.ok(answer !== undefined);
        assert.ok(client !== hub.api || answer.headers["x-holdfast-source"] === "replica", path);
        return `${path}: ${namesOf(answer).join(" ")}`;
      });
    };
    const want = await selected(scene.cluster.api);
    assert.deepEqual(await selected(hub.api), want);
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    assert.deepEqual(await selected(hub.api), want);
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
  });

  it("selectable fields of a custom resource are the cloud's to know", async () => {
    const asked = ["spec.colour=red", "spec.colour!=red", "spec.size=1", "metadata.name=blue"];
    const pathOf = (selector: string) => `${WIDGETS}?resourceVersion=0&fieldSelector=${encodeURIComponent(selector)}`;
    for (const selector of asked) {
      const [want, got] = [await scene.cluster.api(pathOf(selector)), await hub.api(pathOf(selector))];
      assert.equal(got.status, want.status, selector);
      if (want.status === 200) assert.deepEqual(namesOf(got), namesOf(want), selector);
      else assert.deepEqual([want.status, got.text], [400, want.text]);
    }
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    const offline = async (selector: string) => {
      const answer = await hub.api(pathOf(selector));
      return answer.status === 200 ? namesOf(answer) : answer.status;
    };
    assert.deepEqual(await offline("spec.colour=red"), ["red"]);
    assert.deepEqual(await offline("metadata.name=red"), ["red"]); // of the whole list
    assert.equal(await offline("spec.colour=blue"), 503);
    assert.equal(await offline("spec.size=1"), 503);
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
  });
});

/** Waits until the hub holds a whole list in the version that the API server has. */
async function caughtUp(api: ApiClient, hub: ApiClient, collection: string): Promise<void> {
  await waitFor(`the hub to hold ${collection}`, 10_000, async () => {
    const [want, got] = [await api(`${collection}?resourceVersion=0`), await hub(`${collection}?resourceVersion=0`)];
    return versionsOf(want) === versionsOf(got);
  });
}

function podSpec() {
  return { containers: [{ name: "main", image: "none" }] };
}

function podTemplate() {
  return { metadata: { labels: { a: "b" } }, spec: podSpec() };
}

function eventOf(name: string) {
  const involvedObject = {
    kind: "Pod",
    apiVersion: "v1",
    namespace: "default",
    name,
    uid: "u",
    resourceVersion: "7",
    fieldPath: "spec",
  };
  return { involvedObject, reason: "Because" };
}

async function prepareWidgets(api: ApiClient, hub: ApiClient): Promise<void> {
  await post(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGET_DEFINITION);
  await waitFor("widgets to be served", 10_000, async () => (await api(WIDGETS)).status === 200);
  const type = { apiVersion: "example.com/v1", kind: "Widget" };
  for (const name of ["red", "blue"]) await post(api, WIDGETS, { ...type, metadata: { name }, spec: { colour: name } });
  await waitFor(
    "the hub to hold the widgets",
    10_000,
    async () => namesOf(await hub(`${WIDGETS}?resourceVersion=0`)).length === 2,
  );
}

function post(api: ApiClient, path: string, body: unknown) {
  return getJson(api, path, { method: "POST", body: JSON.stringify(body) });
}

/** Field labels of all resources, and some that none has. */
const LABELS: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.labels",
  "name",
  "spec.nodeName",
  "spec.host",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "spec.hostNetwork",
  "spec.unschedulable",
  "spec.clusterIP",
  "spec.type",
  "spec.signerName",
  "spec.podName",
  "spec.driver",
  "spec.poolName",
  "spec.group",
  "spec.service",
  "status.phase",
  "status.podIP",
  "status.podIPs",
  "status.nominatedNodeName",
  "status.replicas",
  "status.successful",
  "type",
  "reason",
  "source",
  "reportingComponent",
  "reportingController",
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "regarding.kind",
  "regarding.name",
  "regarding.fieldPath",
];

interface Discovered {
  readonly groups: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** Every resource that the API server itself serves and lists. */
async function listable(api: ApiClient) {
  const discover = async (path: string) => JSON.parse((await api(path)).text) as Discovered; // of the API server
  const { groups } = await discover("/apis");
  const groupVersions = ["v1", ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion))];
  const found: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly path: string;
  }[] = [];
  for (const groupVersion of groupVersions) {
    const root = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
    const [version = "", group = ""] = groupVersion.split("/").toReversed();
    if (!isBuiltinGroup(group)) continue;
    for (const { name, verbs } of (await discover(root)).resources) {
      if (verbs.includes("list")) found.push({ group, version, resource: name, path: `${root}/${name}` });
    }
  }
  return found;
}

interface ListJson {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[];
  readonly message?: string;
}

function listOf({ text }: Pick<ApiAnswer, "text">): ListJson {
  return JSON.parse(text) as ListJson; // the assertions look at the fields
}

function namesOf(answer: ApiAnswer): readonly string[] {
  assert.equal(answer.status, 200, answer.text);
  return listOf(answer).items.map(({ metadata }) => metadata.name);
}

function versionsOf(answer: ApiAnswer): string {
  return listOf(answer).items.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).join(" ");
}
