import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { customPrinter } from "../../../src/kube/table/custom_printer.ts";
import { printTable } from "../../../src/kube/table/print_table.ts";
import {
  decodeColumns,
  encodeColumns,
  type PrinterColumn,
  readDefinition,
  readDefinitionMetadata,
} from "../../../src/kube/table/printer_columns.ts";

const GADGETS = { group: "example.com", resource: "gadgets" };
const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

/** The text of a Table of one object, after its rows begin. */
function rowOf(columns: readonly PrinterColumn[], object: string): string {
  const table = printTable(GADGETS, [new TextEncoder().encode(object)], {
    resourceVersion: "7",
    nowMs: NOW_MS,
    includeObject: "None",
    printer: customPrinter(columns),
  });
  const text = new TextDecoder().decode(table);
  return text.slice(text.indexOf(`"cells":`) + `"cells":`.length, text.indexOf(`,"object":null`));
}

function cell(type: PrinterColumn["type"], value: string): string {
  const row = rowOf([{ name: "Any", type, jsonPath: ".any" }], `{"metadata":{"name":"a"},"any":${value}}`);
  assert.ok(row.startsWith(`["a",`));
  return row.slice(`["a",`.length, -1);
}

describe("customPrinter shows a value as the API server does, as", () => {
  for (
    const [type, value, shown] of [
      ["string", `"text"`, `"text"`],
      ["string", `""`, `""`],
      ["string", "null", `"\\u003cno value\\u003e"`],
      ["string", "true", `"true"`],
      ["string", "9007199254740993", `"9007199254740993"`],
      ["string", "123456.75", `"123456.75"`],
      ["string", "1234567.5", `"1.2345675e+06"`],
      ["string", "0.0001", `"0.0001"`],
      ["string", "0.00001", `"1e-05"`],
      ["string", "1e+21", `"1e+21"`],
      ["string", `{"b":[1,2.5,null],"a":"<"}`, `"{\\"a\\":\\"\\\\u003c\\",\\"b\\":[1,2.5,null]}"`],
      ["string", "[]", `"[]"`],
      ["integer", "9007199254740993", "9007199254740993"],
      ["integer", "2.9", "2"],
      ["integer", "-2.9", "-2"],
      ["integer", "1e+30", "-9223372036854775808"],
      ["integer", `"1"`, "null"],
      ["integer", "null", "null"],
      ["number", "9007199254740993", "9007199254740992"],
      ["number", "2.5", "2.5"],
      ["number", "1e+21", "1e+21"],
      ["number", "1e-7", "1e-7"],
      ["number", `"1"`, "null"],
      ["boolean", "false", "false"],
      ["boolean", `"true"`, "null"],
      ["date", `"2025-12-31T23:58:55Z"`, `"65s"`],
      ["date", `"2025-12-31T23:58:55.5+00:00"`, `"64s"`],
      ["date", `"2026-01-01T01:00:00+02:00"`, `"60m"`],
      ["date", `"2025-12-31T9:00:00,25Z"`, `"14h"`],
      ["date", `"2027-01-01T00:00:00Z"`, `"\\u003cinvalid\\u003e"`],
      ["date", `"0001-01-01T00:00:00Z"`, `"\\u003cunknown\\u003e"`],
      ["date", `"0001-01-01T00:00:01Z"`, `"292y"`],
      ["date", `""`, `"\\u003cunknown\\u003e"`],
      ["date", `"null"`, `"\\u003cunknown\\u003e"`],
      ["date", `"2025-02-29T00:00:00Z"`, `"\\u003cinvalid\\u003e"`],
      ["date", `"2025-12-31T23:59:60Z"`, `"\\u003cinvalid\\u003e"`],
      ["date", `"2025-12-31T23:59:00+25:00"`, `"\\u003cinvalid\\u003e"`],
      ["date", `"2025-12-31"`, `"\\u003cinvalid\\u003e"`],
      ["date", `"2025-12-31t00:00:00z"`, `"\\u003cinvalid\\u003e"`],
      ["date", "null", "null"],
      ["date", "5", "null"],
    ] as const
  ) test(`${type} ${value}`, () => assert.equal(cell(type, value), shown));
});

test("customPrinter shows null where a path finds nothing or cannot be followed, and the first of several", () => {
  const columns = [".spec.none", ".spec.list[9]", ".spec.list[*]"].map((jsonPath, index) =>
    ({ name: `C${index}`, type: "string", jsonPath }) as const
  );
  assert.equal(rowOf(columns, `{"metadata":{"name":"a"},"spec":{"list":["x","y"]}}`), `["a",null,null,"x"]`);
});

test("customPrinter describes a column by its path where nothing else does", () => {
  const columns = customPrinter([
    { name: "Wide", type: "integer", jsonPath: ".spec.size", format: "int32", description: "Its size.", priority: 1 },
    { name: "Bare", type: "number", jsonPath: ".spec.real" },
  ]).columns;
  assert.deepEqual(columns.slice(1), [
    { name: "Wide", type: "integer", format: "int32", description: "Its size.", priority: 1 },
    {
      name: "Bare",
      type: "number",
      format: "",
      description: "Custom resource definition column (in JSONPath format): .spec.real",
      priority: 0,
    },
  ]);
  assert.deepEqual(Object.keys(columns[0] ?? {}), ["name", "type", "format", "description", "priority"]);
});

test("customPrinter leaves out a column whose path cannot be read, and those after it", () => {
  const columns = [".spec.a", ".spec[", ".spec.b"].map((jsonPath) =>
    ({ name: jsonPath, type: "string", jsonPath }) as const
  );
  assert.deepEqual(customPrinter(columns).columns.map(({ name }) => name), ["Name", ".spec.a"]);
});

test("customPrinter shows the age where no columns are declared; a bookmark has none", () => {
  const { columns } = customPrinter([]);
  assert.deepEqual(columns.map(({ name, type }) => `${name} ${type}`), ["Name string", "Age date"]);
  const made = `{"metadata":{"name":"a","creationTimestamp":"2025-12-31T23:00:00Z"}}`;
  assert.equal(rowOf([], made), `["a","60m"]`);
  assert.equal(rowOf([], `{"metadata":{"creationTimestamp":null}}`), `["",null]`);
});

const DEFINITION = {
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.example.com", uid: "u1", generation: 3, managedFields: [] },
  spec: {
    group: "example.com",
    versions: [
      {
        name: "v1",
        schema: { openAPIV3Schema: {} },
        additionalPrinterColumns: [{ name: "A", type: "string", jsonPath: ".a", priority: 1, further: 1 }],
      },
      { name: "v2", schema: {} },
    ],
  },
};

test("readDefinition takes the columns of each version, and they are kept as they are", () => {
  const columns = readDefinition(JSON.stringify(DEFINITION));
  assert.deepEqual(columns, {
    uid: "u1",
    generation: 3,
    versions: { v1: [{ name: "A", type: "string", jsonPath: ".a", priority: 1 }], v2: [] },
  });
  assert.ok(columns !== undefined);
  assert.deepEqual(decodeColumns(encodeColumns(columns)), columns);
  assert.deepEqual(readDefinitionMetadata(JSON.stringify(DEFINITION)), { uid: "u1", generation: 3 });
});

for (const text of ["", "{", "[]", "{}", JSON.stringify({ ...DEFINITION, metadata: {} })]) {
  test(`readDefinition takes nothing from ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.equal(readDefinition(text), undefined);
    assert.equal(readDefinitionMetadata(text), undefined);
    assert.equal(decodeColumns(new TextEncoder().encode(text)), undefined);
  });
}
