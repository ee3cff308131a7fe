import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { splitTable } from "../unit/kube/split_table.ts";
import { printTable } from "../../src/kube/table/print_table.ts";
import { type ApiClient, getJson } from "./driver/api_client.ts";
import { type Cluster, startCluster } from "./driver/cluster.ts";
import { waitFor } from "./driver/wait.ts";
import { LABELS, PODS, type TableObject, WORKLOADS } from "./table_objects.ts";
import { CLUSTER, CORE, EVENTS, NETWORK, STORAGE } from "./table_other_objects.ts";

/** Where the API server's answers go that the unit tests read; nowhere where it is empty. */
const RECORD = process.env["HOLDFAST_RECORD_TABLES"] ?? "";
const TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1";

const DEFINITION: TableObject = {
  type: "apiextensions.k8s.io/v1/customresourcedefinitions",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  members: {
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "widgets", kind: "Widget" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  },
};
const WIDGET: TableObject = {
  type: "example.com/v1/widgets",
  kind: "Widget",
  metadata: { name: "a", namespace: "default" },
};
const OBJECTS = [...PODS, ...WORKLOADS, ...NETWORK, ...STORAGE, ...CORE, ...CLUSTER, ...EVENTS, DEFINITION, WIDGET];
const TYPES = [...new Set([...OBJECTS.map(({ type }) => type), "events.k8s.io/v1/events"])];

describe("printTable prints as the API server", () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster();
    // From here on nobody may change what is made here, least of all its status.
    cluster.parts.hold("controller-manager");
    for (const object of OBJECTS) await make(cluster.api, object);
  });
  after(() => cluster?.stop());

  for (const type of TYPES) {
    it(type, async () => {
      const { group, resource } = resourceOf(type);
      const path = `${pathOf(type)}?includeObject=Object&labelSelector=tables=yes`;
      const { nowMs, text } = await withinOneSecond(() => cluster.api(path, { headers: { accept: TABLE } }));
      const { objects, resourceVersion } = splitTable(text);
      assert.notEqual(objects.length, 0);
      const table = printTable({ group, resource }, objects, { resourceVersion, nowMs, includeObject: "Object" });
      if (RECORD !== "") {
        const file = `${resource}${group === "" ? "" : `.${group}`}.table`;
        writeFileSync(join(RECORD, file), `${nowMs}\n${text}`);
      }
      assert.deepEqual(lines(new TextDecoder().decode(table)), lines(text));
    });
  }
});

/** Rows one by one, so that a difference is seen where it is. */
function lines(table: string): readonly string[] {
  return table.split(`{"cells":`);
}

async function withinOneSecond(
  ask: () => Promise<{ readonly text: string }>,
): Promise<{ nowMs: number; text: string }> {
  for (;;) {
    const nowMs = Date.now();
    const { text } = await ask();
    if (Math.floor(nowMs / 1000) === Math.floor(Date.now() / 1000)) return { nowMs, text };
  }
}

async function make(api: ApiClient, object: TableObject): Promise<void> {
  const { type, kind, metadata, deleted } = object;
  const { status = {}, ...members } = object.members ?? {};
  const parts = type.split("/");
  const apiVersion = parts.slice(0, -1).join("/");
  const labels = { ...asObject(metadata["labels"]), ...LABELS };
  const finalizers = deleted ? ["example.com/held"] : [];
  const body = { apiVersion, kind, metadata: { ...metadata, labels, finalizers }, ...members };
  const collection = pathOf(type, metadata.namespace);
  const self = `${collection}/${metadata.name}`;
  // A definition is served a moment after it was made.
  await waitFor(`${collection} to be served`, 10_000, async () => (await api(collection)).status === 200);
  await getJson(api, collection, { method: "POST", body: JSON.stringify(body) });
  if (Object.keys(Object(status)).length > 0) await patch(api, `${self}/status`, { status });
  if (deleted) await getJson(api, self, { method: "DELETE" });
  // Without these the fixtures are a third as long.
  await patch(api, self, { metadata: { managedFields: [{}] } });
}

async function patch(api: ApiClient, path: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/merge-patch+json" };
  await getJson(api, path, { method: "PATCH", headers, body: JSON.stringify(body) });
}

function resourceOf(type: string): { readonly group: string; readonly resource: string } {
  const parts = type.split("/");
  return { group: parts.length === 3 ? parts[0] ?? "" : "", resource: parts.at(-1) ?? "" };
}

function pathOf(type: string, namespace?: string): string {
  const parts = type.split("/");
  const prefix = `/${parts.length === 3 ? "apis" : "api"}/${parts.slice(0, -1).join("/")}`;
  return `${prefix}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${parts.at(-1)}`;
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
