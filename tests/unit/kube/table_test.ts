import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { humanDuration } from "../../../src/kube/table/human_duration.ts";
import { printTable, type PrintTableOptions } from "../../../src/kube/table/print_table.ts";
import { frameEvent } from "../../../src/kube/watch_codec.ts";
import { splitTable } from "./split_table.ts";

/** Answers of kube-apiserver 1.36.3 and when they were asked for; `tests/cluster/tables_test.ts` writes them. */
const FOLDER: string = join(import.meta.dirname, "tables");

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function text(table: Uint8Array | undefined): string {
  return new TextDecoder().decode(table);
}

/** The cells of one object's row. */
function cellsOf(resource: string, object: unknown): readonly unknown[] {
  const [name = "", ...group] = resource.split(".");
  const table = printTable({ group: group.join("."), resource: name }, [bytes(object)], OPTIONS);
  // Not checked: an assertion on what is not there fails.
  const printed = JSON.parse(text(table)) as { readonly rows: readonly { readonly cells: readonly unknown[] }[] };
  return printed.rows[0]?.cells ?? [];
}

const OPTIONS: PrintTableOptions = { resourceVersion: "7", nowMs: 0, includeObject: "None" };

describe("printTable prints what kube-apiserver 1.36.3 printed", () => {
  for (const file of readdirSync(FOLDER)) {
    test(file.replace(/\.table$/, ""), () => {
      const [now = "", ...rest] = readFileSync(join(FOLDER, file), "utf8").split("\n");
      const answer = rest.join("\n");
      const [resource = "", ...group] = file.replace(/\.table$/, "").split(".");
      const { objects, resourceVersion } = splitTable(answer);
      assert.notEqual(objects.length, 0);
      const table = printTable({ group: group.join("."), resource }, objects, {
        resourceVersion,
        nowMs: Number(now),
        includeObject: "Object",
      });
      assert.deepEqual(text(table).split(`{"cells":`), answer.split(`{"cells":`));
    });
  }
});

describe("printTable holds of the object", () => {
  const namespace = bytes({ kind: "Namespace", apiVersion: "v1", metadata: { name: "a" }, spec: {}, status: {} });
  const partial = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}}`;
  for (
    const [includeObject, expected] of [
      ["None", "null"],
      ["Metadata", partial],
      ["Object", text(namespace)],
      [undefined, partial],
    ] as const
  ) {
    test(String(includeObject), () => {
      const options = { resourceVersion: "", nowMs: 0, ...(includeObject === undefined ? {} : { includeObject }) };
      const table = text(printTable({ group: "", resource: "namespaces" }, [namespace], options));
      assert.equal(
        table.slice(table.indexOf(`"rows":`)),
        `"rows":[{"cells":["a","","\\u003cunknown\\u003e"],"object":${expected}}]}\n`,
      );
    });
  }
});

test("printTable leaves the columns out where they are known already", () => {
  const bookmark = {
    kind: "Namespace",
    apiVersion: "v1",
    metadata: { resourceVersion: "310", annotations: { "k8s.io/initial-events-end": "true" } },
    spec: {},
    status: {},
  };
  const table = printTable({ group: "", resource: "namespaces" }, [bytes(bookmark)], {
    resourceVersion: "310",
    nowMs: 0,
    includeObject: "None",
    columns: false,
  });
  // As kube-apiserver 1.36.3 sent it, with includeObject=None too.
  assert.equal(
    text(frameEvent("BOOKMARK", table ?? new Uint8Array())),
    `{"type":"BOOKMARK","object":{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"310"},` +
      `"columnDefinitions":null,"rows":[{"cells":["","","\\u003cunknown\\u003e"],"object":` +
      `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"310",` +
      `"annotations":{"k8s.io/initial-events-end":"true"}}}}]}}\n`,
  );
});

test("printTable writes the head of a page, and rows that are none", () => {
  const page = { resourceVersion: "9", nowMs: 0, continue: "t", remainingItemCount: 3, version: "v1beta1" } as const;
  const table = text(printTable({ group: "", resource: "pods" }, [], page));
  const head = `{"kind":"Table","apiVersion":"meta.k8s.io/v1beta1","metadata":` +
    `{"resourceVersion":"9","continue":"t","remainingItemCount":3},"columnDefinitions":[{"name":"Name",`;
  assert.equal(table.slice(0, head.length), head);
  assert.ok(table.endsWith(`],"rows":[]}\n`));
});

test("printTable has nothing for built-in resources without a printer", () => {
  const group = "resource.k8s.io";
  assert.equal(printTable({ group, resource: "resourceclaims" }, [], { resourceVersion: "1", nowMs: 0 }), undefined);
});

describe("printTable shows the state of a certificate signing request", () => {
  for (
    const [types, certificate, state] of [
      [["Approved"], "", "Approved"],
      [["Approved"], "x", "Approved,Issued"],
      [["Approved", "Failed"], "", "Approved,Failed"],
      [["Denied", "Approved"], "", "Denied"],
      [[], "", "Pending"],
    ] as const
  ) {
    test(state, () => {
      const status = { conditions: types.map((type) => ({ type, status: "True" })), certificate };
      const cells = cellsOf("certificatesigningrequests.certificates.k8s.io", { metadata: { name: "a" }, status });
      assert.deepEqual(cells, ["a", "<unknown>", "<none>", "", "<none>", state]);
    });
  }
});

test("printTable takes members of another type for missing", () => {
  const object = { metadata: { name: "a" }, spec: [], status: { conditions: {}, nodeInfo: null } };
  assert.deepEqual(cellsOf("nodes", object).slice(0, 4), ["a", "Unknown", "<none>", "<unknown>"]);
});

describe("humanDuration", () => {
  for (
    const [seconds, shown] of [
      [-2, "<invalid>"],
      [-1.9, "0s"],
      [0.9, "0s"],
      [119, "119s"],
      [120, "2m"],
      [125, "2m5s"],
      [600, "10m"],
      [10_799, "179m"],
      [10_800, "3h"],
      [28_799, "7h59m"],
      [172_799, "47h"],
      [180_000, "2d2h"],
      [691_200, "8d"],
      [63_072_000, "2y"],
      [63_158_400, "2y1d"],
      [252_288_000, "8y"],
    ] as const
  ) test(`${seconds} s`, () => assert.equal(humanDuration(seconds * 1000), shown));
});
