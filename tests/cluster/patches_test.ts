import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { applyPatch } from "../../src/kube/patch.ts";
import { PatchRefusal, type PatchRefusalCode } from "../../src/kube/patch_refusal.ts";
import { EVENT, NEW_EVENT, NODE, POD } from "../unit/kube/patch_objects.ts";
import { rebaseStatus } from "../../src/kube/status_rebase.ts";
import type { PatchRow } from "../unit/kube/patch_row.ts";
import { PATCH_ROWS } from "../unit/kube/patch_rows.ts";
import { REBASE_ROWS } from "../unit/kube/rebase_rows.ts";
import { withValues } from "../unit/kube/with_values.ts";
import { type ApiAnswer, getJson } from "./driver/api_client.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { pod } from "./driver/manifests.ts";
import { type KubeNode, startNode } from "./driver/node.ts";
import { RecordingProxy } from "./driver/recording_proxy.ts";
import { waitFor } from "./driver/wait.ts";
import { generatePatch } from "./patch_generator.ts";

const OBJECTS = {
  node: { path: "/api/v1/nodes", sample: NODE },
  pod: { path: "/api/v1/namespaces/default/pods", sample: POD },
  event: { path: "/api/v1/namespaces/default/events", sample: EVENT },
  newEvent: { path: "/apis/events.k8s.io/v1/namespaces/default/events", sample: NEW_EVENT },
};
const TYPES = {
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
};
/** What the API server answers where a patch is refused here. */
const STATUSES: Readonly<Record<Exclude<PatchRefusalCode, "unknown">, readonly number[]>> = {
  conflict: [409, 422],
  fails: [422, 400],
  malformed: [400],
};
const GENERATED = 100;
const NODE_NAME = "node-1";

describe("applyPatch and rebaseStatus against the API server", () => {
  let cluster: Cluster;
  let controllers = 0;

  before(async () => {
    cluster = await startCluster();
    // From here on nobody else may change what is made here.
    controllers = Number(readFileSync(cluster.file("controller-manager.pid"), "utf8"));
    process.kill(controllers, "SIGSTOP");
    for (const { path, sample } of Object.values(OBJECTS)) await getJson(cluster.api, path, posted(sample));
  });
  after(async () => {
    if (controllers > 0) process.kill(controllers, "SIGCONT");
    await cluster?.stop();
  });

  for (const row of PATCH_ROWS) {
    it(`${row.object}: ${row.name}`, async () => {
      const verdict = await compare(cluster, row);
      if (row.refused === undefined) assert.equal(verdict, "same");
      else if (row.refused !== "unknown") assert.equal(verdict, "both refuse");
    });
  }

  for (const object of ["node", "pod"] as const) {
    it(`${GENERATED} generated patches of a ${object}`, async () => {
      const verdicts: Record<string, number> = {};
      for (let seed = 1; seed <= GENERATED; seed++) {
        const patch = generatePatch(object, seed);
        const verdict = await compare(cluster, { name: `seed ${seed}`, object, patch });
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      }
      console.log(object, verdicts);
      assert.ok((verdicts["same"] ?? 0) > GENERATED / 2, JSON.stringify(verdicts));
    });
  }

  for (const { name, object, node, cloud, want, settled } of REBASE_ROWS) {
    it(`rebased, ${object}: ${name}`, async () => {
      const { path, sample } = OBJECTS[object];
      const self = `${path}/${sample.metadata.name}`;
      await reset(cluster, self, sample);
      const base = (await answerOf(cluster, self)).text;
      const pending = strategic(base, JSON.stringify(node));
      await patchStatus(cluster, self, JSON.stringify(cloud));
      const fresh = (await answerOf(cluster, self)).text;
      const rebased = rebaseStatus({ base: encode(base), pending: encode(pending), fresh: encode(fresh) });
      if (!("patch" in rebased)) return assert.deepEqual(rebased, { settled });
      await patchStatus(cluster, self, new TextDecoder().decode(rebased.patch));
      const wanted = Object.fromEntries(Object.entries(want ?? {}).filter(([key]) => key.startsWith("status.")));
      const { status } = asObject(comparable((await answerOf(cluster, self)).text));
      const expected = asObject(comparable(JSON.stringify(withValues(sample, wanted))))["status"];
      assert.deepEqual(status, expected);
    });
  }
});

function strategic(held: string, patch: string): string {
  const [after] = attempt(held, { body: patch, contentType: TYPES.strategic, subresource: "status" });
  return after ?? assert.fail(`not applied: ${patch}`);
}

async function patchStatus(cluster: Cluster, self: string, body: string): Promise<void> {
  const headers = { "content-type": TYPES.strategic };
  await getJson(cluster.api, `${self}/status`, { method: "PATCH", headers, body });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

type Verdict = "same" | "both refuse" | "refused here";

/** @throws AssertionError where the two make different objects, and where only the API server refuses */
async function compare(cluster: Cluster, { name, object, patch, type = "strategic" }: PatchRow): Promise<Verdict> {
  const { path, sample } = OBJECTS[object];
  const self = `${path}/${sample.metadata.name}`;
  const subresource = object === "node" || object === "pod" ? "status" : "";
  await reset(cluster, self, sample);
  const held = await answerOf(cluster, self);
  const uid = sample.metadata.uid;
  // A row's uid is the sample's, which is not the one that the API server has given.
  const body = JSON.stringify(patch).replaceAll(uid, String(metadataOf(held)["uid"]));
  const headers = { "content-type": TYPES[type] };
  const target = subresource === "" ? self : `${self}/${subresource}`;
  const answer = await cluster.api(target, { method: "PATCH", headers, body });
  const [here, refusal] = attempt(held.text, { body, contentType: TYPES[type], subresource });
  if (here === undefined) {
    if (answer.status < 300 || refusal === "unknown") return answer.status < 300 ? "refused here" : "both refuse";
    assert.ok(STATUSES[refusal ?? "malformed"].includes(answer.status), `${refusal}: ${answer.status} ${answer.text}`);
    return "both refuse";
  }
  assert.ok(answer.status < 300, `${name}: only the API server refuses ${body}: ${answer.status} ${answer.text}`);
  assert.deepEqual(comparable(here), comparable((await answerOf(cluster, self)).text), `${name}: ${body}`);
  return "same";
}

function attempt(
  held: string,
  { body, ...request }: { body: string; contentType: string; subresource: string },
): [string | undefined, PatchRefusalCode | undefined] {
  try {
    const bytes = applyPatch(encode(held), { ...request, body: encode(body) });
    return [new TextDecoder().decode(bytes), undefined];
  } catch (error) {
    if (error instanceof PatchRefusal) return [undefined, error.code];
    throw error;
  }
}

/** Makes the object the sample again, all but what nobody can set. */
async function reset(cluster: Cluster, self: string, sample: object): Promise<void> {
  const current = await getJson(cluster.api, self);
  const { name, namespace, uid } = current.metadata;
  const { metadata: wanted, status } = asObject(sample);
  const { labels, annotations, finalizers, ownerReferences } = asObject(wanted);
  const metadata = { name, namespace, uid, labels, annotations, finalizers, ownerReferences };
  const isEvent = current.kind === "Event";
  const body = { ...(isEvent ? sample : current), metadata };
  await getJson(cluster.api, self, { method: "PUT", body: JSON.stringify(body) });
  if (isEvent) return;
  await getJson(cluster.api, `${self}/status`, { method: "PUT", body: JSON.stringify({ ...body, status }) });
}

function posted(sample: object): { method: string; body: string } {
  const { uid: _, resourceVersion: _version, ...metadata } = asObject(asObject(sample)["metadata"]);
  return { method: "POST", body: JSON.stringify({ ...sample, metadata }) };
}

async function answerOf(cluster: Cluster, path: string): Promise<ApiAnswer> {
  const answer = await cluster.api(path);
  assert.equal(answer.status, 200, answer.text);
  return answer;
}

function metadataOf(answer: ApiAnswer): Readonly<Record<string, unknown>> {
  return asObject(asObject(JSON.parse(answer.text))["metadata"]);
}

/** Without what only the API server decides, and without members that are null or empty, which Go adds or leaves out. */
function comparable(text: string): Readonly<Record<string, unknown>> {
  const isNothing = (value: unknown): boolean => value === null || value === "";
  const object = asObject(JSON.parse(text, (_, value: unknown) => (isNothing(value) ? undefined : value)));
  const { resourceVersion: _, managedFields: _fields, ...metadata } = asObject(object["metadata"]);
  return { ...object, metadata };
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

describe("applyPatch on what a kubelet sends", () => {
  let cluster: Cluster;
  let proxy: RecordingProxy | undefined;
  let node: KubeNode | undefined;

  before(async () => {
    cluster = await startCluster();
    const { dir, apiPort, program } = cluster;
    const wants = (method: string): boolean => method === "PATCH";
    proxy = new RecordingProxy({ dir, apiPort, identity: NODE_NAME, wants });
    node = await startNode({ program, name: NODE_NAME, clusterDir: dir, server: await proxy.listen() });
  });
  after(async () => {
    await node?.stop();
    proxy?.close();
    await cluster?.stop();
  });

  it("makes of each of its patches what the API server has made of it", async () => {
    const manifest = pod({ name: "worker", nodeName: NODE_NAME, command: ["sh", "-c", "sleep 2; exit 3"] });
    await getJson(cluster.api, OBJECTS.pod.path, { method: "POST", body: JSON.stringify(manifest) });
    const records = (): readonly string[] => proxy?.records.map(({ path }) => path) ?? [];
    await waitFor("patches of the node, of the pod, and of an event", 60_000, (seen) => {
      seen(records());
      const count = (part: string): number => records().filter((path) => path.includes(part)).length;
      return count("/nodes/") >= 2 && count("/pods/worker/status") >= 4 && count("/events/") >= 1;
    });
    const kinds: Record<string, number> = {};
    for (const { path, body, before: held, answer, contentType, status } of proxy?.records ?? []) {
      assert.equal(status, 200, path);
      const isStatus = path.includes("/status");
      const [here, refusal] = attempt(held, {
        body: new TextDecoder().decode(body),
        contentType,
        subresource: isStatus ? "status" : "",
      });
      const shown = `${path}: ${new TextDecoder().decode(body)} onto ${held}`;
      assert.equal(refusal, undefined, shown);
      // A controller may have changed the taints between what was held and the patch of the status, which leaves the spec alone.
      const seen = (text: string) => isStatus ? { ...comparable(text), spec: undefined } : comparable(text);
      assert.deepEqual(seen(here ?? ""), seen(new TextDecoder().decode(answer)), shown);
      const kind = path.split("/").at(path.includes("/status") ? -3 : -2) ?? "";
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    console.log("patches of a kubelet", kinds);
  });
});
