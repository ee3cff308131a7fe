import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ApiAnswer, type ApiClient, getJson, type KubeObject } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { PlainWatch } from "./driver/plain_watch.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";

const NODE = "node-1";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
/** A minute of refusals, the first of which comes up to ten seconds late, and the next reader's question. */
const REFUSED_LIMIT_MS = 100_000;
const SOON_MS = 45_000;

const collectionOf = (plural: string) => `/apis/example.com/v1/namespaces/default/${plural}`;

function definition(plural: string, kind: string) {
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural, kind },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

describe("what the API server refuses or does not serve any more", () => {
  let scene: Scene;
  let api: ApiClient;
  let hub: Hub;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    ({ api } = cluster);
    for (const [plural, kind] of [["widgets", "Widget"], ["gadgets", "Gadget"]] as const) {
      await create(CRDS, definition(plural, kind));
      const rules = [{ apiGroups: ["example.com"], resources: [plural], verbs: ["get", "list", "watch"] }];
      await create(`${RBAC}/clusterroles`, { metadata: { name: plural }, rules });
      await grant(plural);
      await createSoon(plural, kind, "first");
    }
    hub = await startHubOf({ cluster, relay, name: NODE, identity: NODE });
  });
  after(async () => {
    await hub?.stop();
    await scene?.stop();
  });

  async function create(path: string, object: unknown): Promise<void> {
    await getJson(api, path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(object),
    });
  }

  async function grant(plural: string): Promise<void> {
    await create(`${RBAC}/clusterrolebindings`, {
      metadata: { name: plural },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: plural },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: `system:node:${NODE}` }],
    });
  }

  /** A definition takes a moment until it is served. */
  async function createSoon(plural: string, kind: string, name: string): Promise<void> {
    await waitFor(`a first ${kind}`, SOON_MS, async (seen) => {
      const object = { apiVersion: "example.com/v1", kind, metadata: { name } };
      const made = await create(collectionOf(plural), object).then(() => true, (error: unknown) => {
        seen(String(error));
        return undefined;
      });
      return made;
    });
  }

  function readZero(plural: string): Promise<ApiAnswer> {
    return hub.api(`${collectionOf(plural)}?resourceVersion=0`);
  }

  async function waitForReplica(plural: string, names: string): Promise<void> {
    await waitFor(`${names} of ${plural} from the replica`, SOON_MS, async (seen) => {
      const answer = await readZero(plural);
      seen({ status: answer.status, headers: answer.headers, text: answer.text.slice(0, 300) });
      if (answer.status !== 200 || answer.headers["x-holdfast-source"] !== "replica") return undefined;
      const { items = [] } = JSON.parse(answer.text) as KubeObject; // a list of the hub: the names are compared
      return items.map((item) => item.metadata.name).join() === names || undefined;
    });
  }

  async function watchOf(plural: string): Promise<PlainWatch> {
    const { metadata } = await getJson(api, collectionOf(plural));
    return new PlainWatch(
      hub.proxyPort,
      `${collectionOf(plural)}?watch=1&resourceVersion=${metadata.resourceVersion}&allowWatchBookmarks=true`,
    );
  }

  it("metadata lists have what the hub compares: version, uids and pages", async () => {
    const accept = { Accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json" };
    for (const path of ["/api/v1/namespaces", collectionOf("widgets")]) {
      const whole = await getJson(api, path);
      const listed = await getJson(api, `${path}?limit=500`, { headers: accept });
      assert.deepEqual([listed.kind, /^\d+$/.test(listed.metadata.resourceVersion)], [
        "PartialObjectMetadataList",
        true,
      ]);
      const versions = (list: typeof whole) =>
        list.items?.map(({ metadata: { uid, resourceVersion } }) => [uid, resourceVersion]);
      assert.deepEqual(versions(listed), versions(whole));
    }
  });

  it("R16: ends after a minute with the API server's own answer, and is there again once it is given again", async () => {
    for (const plural of ["widgets", "gadgets"]) await waitForReplica(plural, "first");
    const [widgets, gadgets] = [await watchOf("widgets"), await watchOf("gadgets")];
    await getJson(api, `${RBAC}/clusterrolebindings/widgets`, { method: "DELETE" });
    await getJson(api, `${CRDS}/gadgets.example.com`, { method: "DELETE" });
    await gadgets.waitForEvent(
      "the deletion of what the definition takes with it",
      SOON_MS,
      (event) => event.startsWith('{"type":"DELETED"'),
    );
    // Nothing is asked again while a watch is open: RBAC is looked at when it begins.
    await scene.relay.setMode("reset");
    await scene.relay.setMode("pass");
    await widgets.waitForEvent(
      "the end",
      REFUSED_LIMIT_MS,
      (event) => event.startsWith('{"type":"ERROR"') && event.includes('"code":403'),
    );
    await gadgets.waitForEvent(
      "the end",
      REFUSED_LIMIT_MS,
      (event) => event.startsWith('{"type":"ERROR"') && event.includes('"code":404'),
    );
    for (const [plural, status] of [["widgets", 403], ["gadgets", 404]] as const) {
      const [own, its] = [await readZero(plural), await api(collectionOf(plural))];
      assert.deepEqual([own.status, own.headers["x-holdfast-source"]], [status, "cloud"]);
      if (status === 404) assert.equal(own.text, its.text);
    }
    await grant("widgets");
    await create(CRDS, definition("gadgets", "Gadget"));
    await createSoon("gadgets", "Gadget", "second");
    await waitForReplica("widgets", "first");
    await waitForReplica("gadgets", "second");
    for (const watch of [widgets, gadgets]) watch.close();
  });
});
