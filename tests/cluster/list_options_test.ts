import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fieldLabelProblem } from "../../src/kube/field_labels.ts";
import { parseFieldSelector } from "../../src/kube/field_selector.ts";
import { isBuiltinGroup } from "../../src/kube/resources.ts";
import {
  allRows,
  describeAnswer,
  firstNames,
  laterNames,
  type ListOptionRow,
  offlineOf,
  pathOfRow,
} from "../testing/list_option_rows.ts";
import { type ApiAnswer, type ApiClient, getJson } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const SECRETS = "/api/v1/namespaces/default/secrets";
const WIDGETS = "/apis/example.com/v1/namespaces/default/widgets";
/** Requests at once. */
const LANES = 16;

const WIDGET = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [{
      name: "v1",
      served: true,
      storage: true,
      selectableFields: [{ jsonPath: ".spec.colour" }],
      schema: {
        openAPIV3Schema: {
          type: "object",
          properties: { spec: { type: "object", properties: { colour: { type: "string" } } } },
        },
      },
    }],
  },
};

/** What a row was answered by the API server itself, through the hub, and by the hub alone. */
interface Answers {
  readonly direct: ApiAnswer;
  readonly online: ApiAnswer;
  readonly offline: ApiAnswer;
}

describe("the options of reads, asked directly and through the hub", () => {
  let scene: Scene;
  let hub: Hub;
  const answers = new Map<ListOptionRow, Answers>();

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    hub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    const values = await prepareSecrets(cluster.api, hub.api);
    await prepareWidgets(cluster.api, hub.api);
    const ask = (client: ApiClient) => inLanes(allRows, (row) => client(pathOfRow(row, SECRETS, values)));
    const direct = await ask(cluster.api);
    const online = await ask(hub.api);
    await relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    const offline = await ask(hub.api);
    await relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
    for (const row of allRows) {
      answers.set(row, { direct: of(direct, row), online: of(online, row), offline: of(offline, row) });
    }
  });
  after(async () => {
    await hub?.stop();
    await scene?.stop();
  });

  for (const row of allRows) {
    it(`${row.read} ${row.query}: ${row.online}, offline ${offlineOf(row)}`, () => {
      const { direct, online, offline } = of(answers, row);
      assert.equal(shownBy(row, direct), row.online.replace(/ (cloud|replica)/, ""), `direct: ${direct.text}`);
      assert.equal(shownBy(row, online), row.online, `online: ${online.text}`);
      assert.deepEqual(alike(online), alike(direct));
      assert.equal(shownBy(row, offline), offlineOf(row), `offline: ${offline.text}`);
      if (offline.status === direct.status) assert.deepEqual(alike(offline), alike(direct));
    });
  }

  it("a hub's page online and the API server's are cut alike, to the last one", async () => {
    const path = `${SECRETS}?resourceVersion=1&resourceVersionMatch=NotOlderThan`;
    const pages = async (client: ApiClient) => {
      const seen: unknown[] = [];
      let token = "";
      do {
        const answer = await client(token === "" ? `${path}&limit=2` : `${SECRETS}?limit=2&continue=${token}`);
        seen.push(alike(answer), namesOf(answer));
        token = listOf(answer).metadata.continue ?? "";
      } while (token !== "");
      return seen;
    };
    assert.deepEqual(await pages(hub.api), await pages(scene.cluster.api));
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

async function prepareSecrets(api: ApiClient, hub: ApiClient) {
  const add = async (name: string) => (await post(api, SECRETS, { metadata: { name } })).metadata.resourceVersion;
  const first: string[] = [];
  for (const name of firstNames) first.push(await add(name));
  assert.deepEqual(namesOf(await hub(`${SECRETS}?resourceVersion=0`)), firstNames);
  const later: string[] = [];
  for (const name of laterNames) later.push(await add(name));
  const all = firstNames.length + laterNames.length;
  await waitFor(
    "the hub to hold all",
    10_000,
    async () => namesOf(await hub(`${SECRETS}?resourceVersion=0`)).length === all,
  );
  // A GET must find an object whose collection has seen this version.
  const NOW = later.at(-1) ?? "";
  const TOKEN = listOf(await api(`${SECRETS}?limit=2`)).metadata.continue ?? "";
  return { OLD: first.at(-1) ?? "", NOW, AHEAD: String(Number(NOW) + 1_000_000), TOKEN };
}

async function prepareWidgets(api: ApiClient, hub: ApiClient): Promise<void> {
  await post(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGET);
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

async function inLanes<T>(questions: readonly T[], ask: (question: T) => Promise<ApiAnswer>) {
  const answers = new Map<T, ApiAnswer>();
  let next = 0;
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (let question = questions[next++]; question !== undefined; question = questions[next++]) {
      answers.set(question, await ask(question));
    }
  }));
  return answers;
}

function of<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  assert.ok(value !== undefined);
  return value;
}

function shownBy(row: ListOptionRow, { status, text, headers }: ApiAnswer): string {
  const source = headers["x-holdfast-source"];
  return describeAnswer(row, { status, text, ...(typeof source === "string" ? { source } : {}) });
}

interface ListJson {
  readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly message?: string;
}

function listOf({ text }: Pick<ApiAnswer, "text">): ListJson {
  return JSON.parse(text) as ListJson; // the assertions look at the fields
}

function namesOf(answer: ApiAnswer): readonly string[] {
  assert.equal(answer.status, 200, answer.text);
  return listOf(answer).items.map(({ metadata }) => metadata.name);
}

/** What two answers must have in common beside what they show: a Status but for versions of the moment, a list's counts. */
function alike({ status, text, headers }: ApiAnswer): unknown {
  const common = { status, retryAfter: headers["retry-after"] };
  if (status !== 200) return { ...common, text: text.replace(/current: \d+/, "current: N") };
  if (!text.startsWith('{"kind":"SecretList"')) return common;
  const { metadata: { remainingItemCount, continue: token } } = listOf({ text });
  return { ...common, remainingItemCount, more: token !== undefined };
}
