import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ApiAnswer, type ApiClient, getJson } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";
import { DEFINITION, GADGETS } from "./custom_table_objects.ts";

const RIGHTS: string = join(import.meta.dirname, "..", "..", "deploy", "rbac", "hub.yaml");
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const OLD_TABLE = "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
const VERSIONS = ["v1", "v2", "v3"] as const;
const SOON_MS = 20_000;

/** The nodes may read gadgets. */
const READERS = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "gadgets" },
    rules: [{ apiGroups: ["example.com"], resources: ["gadgets"], verbs: ["get", "list", "watch"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "gadgets" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "gadgets" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:nodes" }],
  },
];

describe("Tables of custom resources while the cloud is out of reach", () => {
  let scene: Scene;
  let api: ApiClient;
  let hub: Hub;
  let bare: Hub;

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    ({ api } = cluster);
    const items = [DEFINITION, ...READERS];
    const stdin = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await cluster.direct.ok(["create", "-f", "-"], { stdin });
    for (const version of VERSIONS) {
      await waitFor(`${version} to be served`, SOON_MS, async () => (await api(pathOf(version))).status === 200);
    }
    const headers = { "content-type": "application/json" };
    for (const body of GADGETS) {
      await getJson(api, `${pathOf("v1")}?fieldValidation=Ignore`, { method: "POST", headers, body });
    }
    bare = await startHubOf({ cluster, relay, name: "node-2", identity: "node-2" });
    await hold(bare);
    await waitFor("the hub without the right to say so", SOON_MS, async (seen) => {
      const { text } = await bare.status("/readyz?verbose");
      seen(text);
      return /^\[!\]custom-columns off: .* which name the columns of gadgets\.example\.com$/m.test(text);
    });
    await cluster.direct.ok(["apply", "-f", RIGHTS]);
    hub = await startHubOf({ cluster, relay, name: "node-1", identity: "node-1" });
    await hold(hub);
    await waitFor("the hub to have learnt the columns", SOON_MS, async (seen) => {
      const { documents } = await getJson(hub.status, "/v1/status") as unknown as { documents: { count: number } };
      seen(documents);
      return documents.count > 0;
    });
    await cluster.kubectlAt(hub.url).ok(["get", "gadgets"]); // which asks for discovery too
    await relay.setMode("refuse");
    for (const one of [hub, bare]) await one.waitForLink("offline", SOON_MS);
  });

  after(async () => {
    await scene?.relay.setMode("pass");
    await hub?.stop();
    await bare?.stop();
    await scene?.stop();
  });

  /** Every version of the gadgets is read once. */
  async function hold(one: Hub): Promise<void> {
    for (const version of VERSIONS) assert.equal((await one.api(pathOf(version))).status, 200);
  }

  /** Both within one second, in which no age changes; what differs by more is told in the end. */
  async function assertSame(path: string, accept: string): Promise<void> {
    let pair: readonly (readonly string[])[] = [];
    for (let tries = 0; tries < 5; tries++) {
      const answers = await Promise.all([api, hub.api].map((one) => one(path, { headers: { accept } })));
      pair = answers.map(comparable);
      if (pair[0]?.join() === pair[1]?.join()) break;
    }
    assert.deepEqual(pair[1], pair[0]);
    assert.ok((pair[0]?.length ?? 0) > 2, pair[0]?.join());
  }

  for (const when of ["after the cut", "after a restart of the hub"]) {
    describe(when, () => {
      before(async () => {
        if (when === "after the cut") return;
        await hub.kill();
        await hub.start();
      });

      for (const version of VERSIONS) {
        for (const query of ["", "?includeObject=Object", "?includeObject=None&resourceVersion=0"]) {
          it(`${version}${query} is byte for byte the API server's`, () => assertSame(pathOf(version) + query, TABLE));
        }
        it(`${version} as v1beta1`, () => assertSame(pathOf(version), OLD_TABLE));
        it(`a GET of ${version}`, () => assertSame(`${pathOf(version)}/full`, TABLE));
        it(`a watch of ${version}`, () =>
          assertSame(`${pathOf(version)}?watch=1&resourceVersion=0&timeoutSeconds=1`, TABLE));
      }

      it("kubectl get, also wide, says what it says online", async () => {
        for (const wide of [[], ["-o", "wide"]]) {
          const args = ["get", "gadgets.v1.example.com", ...wide];
          let texts: readonly string[] = [];
          for (let tries = 0; tries < 5 && (texts.length === 0 || texts[0] !== texts[1]); tries++) {
            const both = [scene.cluster.direct, scene.cluster.kubectlAt(hub.url)].map((one) => one.ok(args));
            texts = await Promise.all(both);
          }
          assert.equal(texts[1], texts[0]);
        }
      });

      it("without the right: name and age", async () => {
        if (when !== "after the cut") {
          await bare.kill();
          await bare.start();
        }
        const { text } = await bare.api(pathOf("v1"), { headers: { accept: TABLE } });
        // A Table of the hub: what is not there fails the comparison.
        const table = JSON.parse(text) as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
        assert.deepEqual(table.columnDefinitions.map(({ name }) => name), ["Name", "Age"]);
        assert.deepEqual(table.rows.map(({ cells }) => cells.length), GADGETS.map(() => 2));
      });
    });
  }
});

function pathOf(version: string): string {
  return `/apis/example.com/${version}/namespaces/default/gadgets`;
}

/** Row by row, so that a difference is seen where it is. The list's own version goes on with all that the cluster does. */
function comparable({ status, text }: ApiAnswer): readonly string[] {
  const isList = text.startsWith(`{"kind":"Table"`);
  const same = isList ? text.replace(/("metadata":\{"resourceVersion":")\d+"/, `$1"`) : text;
  return [String(status), ...same.split(/(?=\{"cells":)/)];
}
