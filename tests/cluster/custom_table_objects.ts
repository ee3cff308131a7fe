type Members = Readonly<Record<string, unknown>>;

/** A column of the CustomResourceDefinition. */
interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

const text = (name: string, jsonPath: string): Column => ({ name, type: "string", jsonPath });

/** Every type, and every form of path that a definition may have. */
const COLUMNS: readonly Column[] = [
  ...["string", "integer", "number", "boolean", "date"].map((type) => ({
    name: `As ${type}`,
    type,
    jsonPath: ".spec.any",
  })),
  { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status', description: "Is it?" },
  { name: "Wide", type: "integer", format: "int32", jsonPath: ".spec.size", priority: 1 },
  { name: "Wider", type: "date", format: "date-time", jsonPath: ".spec.when", priority: 7, description: "<When> & so" },
  text("Escaped", ".metadata.annotations.example\\.com/note"),
  text("Quoted", ".metadata.annotations['example\\.com/note']"),
  text("Unescaped", ".metadata.annotations['example.com/note']"),
  text("All annotations", ".metadata.annotations"),
  text("First", ".spec.list[0]"),
  text("Last", ".spec.list[-1]"),
  text("Every", ".spec.list[*]"),
  text("From", ".spec.list[1:]"),
  text("Slice", ".spec.list[1:2]"),
  text("Step", ".spec.list[1::2]"),
  text("Outside", ".spec.list[7]"),
  text("Star", ".spec.list.*"),
  text("Union", ".spec['missing','size','when']"),
  text("Indices", ".spec.list[2,0]"),
  text("Deepest", "..deepest"),
  text("Named", ".spec.parts[?(@.name)].name"),
  text("Large", ".spec.parts[?(@.size>1)].size"),
  text("Not first", ".spec.parts[?(@.name!='x')].name"),
  text("On", ".spec.parts[?(@.on==true)].name"),
  text("Mixed", ".spec.parts[?(@.size==1.5)].name"),
  text("Into", ".spec.parts[?(@.deep[0])].name"),
  text("Two paths", ".spec.size}-{.spec.list[0]"),
  text("Broken second", ".spec.size}-{.spec.list[7]"),
  text("Nothing", "."),
  text("Word", ".spec any"),
  text("Created", ".metadata.creationTimestamp"),
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const SCHEMA = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };

/** `v1` has them all, `v2` one that cannot be read, `v3` none. */
export const DEFINITION: Members = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "gadgets", kind: "Gadget" },
    versions: [
      { name: "v1", served: true, storage: true, schema: SCHEMA, additionalPrinterColumns: COLUMNS },
      {
        name: "v2",
        served: true,
        storage: false,
        schema: SCHEMA,
        additionalPrinterColumns: [text("Size", ".spec.size"), text("Bad", ".spec["), text("Never", ".spec.any")],
      },
      { name: "v3", served: true, storage: false, schema: SCHEMA },
    ],
  },
};

/** What `spec.any` is in one gadget each, as JSON: a number keeps its digits. */
const VALUES: readonly string[] = [
  "null",
  "true",
  "false",
  '""',
  '"null"',
  '"text <&> \\u2028 \\"quoted\\""',
  "0",
  "-7",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "1.5",
  "-2.75",
  "123456.75",
  "1234567.5",
  "0.0001",
  "0.00001",
  "1e21",
  "1e30",
  '"2024-01-02T03:04:05Z"',
  '"2024-01-02T03:04:05.678+02:00"',
  '"2024-01-02T3:04:05Z"',
  '"2024-01-02T03:04:05,5Z"',
  '"2024-02-30T00:00:00Z"',
  '"2024-01-02T03:04:60Z"',
  '"2024-01-02T03:04:05"',
  '"2024-01-02"',
  '"0001-01-01T00:00:00Z"',
  '"0001-01-01T00:00:01Z"',
  '"2999-01-01T00:00:00Z"',
  "[]",
  '[1,1.5,"<",null,{"b":1,"a":[]}]',
  "{}",
  '{"z":{"y":1,"x":null},"a":"é"}',
];

const FULL = `{
  "any": 1, "size": 3, "when": "2024-01-02T03:04:05Z", "list": ["a", "b", "c", 4],
  "parts": [
    {"name": "x", "size": 1, "on": true},
    {"name": "y", "size": 5, "on": false, "deep": {"deepest": "found"}},
    {"size": 7}
  ]
}`;

/** Gadgets as JSON. */
export const GADGETS: readonly string[] = [
  gadget("empty", "{}"),
  gadget("full", FULL, '{"example.com/note": "noted", "other": "<b>"}'),
  gadget("nulls", '{"any": null, "size": null, "when": null, "list": null, "parts": null}'),
  gadget("others", '{"size": "large", "when": 5, "list": {"a": 1}, "parts": "none"}'),
  gadget("short", '{"list": [], "parts": []}'),
  ...VALUES.map((value, index) => gadget(`value-${String(index).padStart(2, "0")}`, `{"any": ${value}}`)),
];

function gadget(name: string, spec: string, annotations = "{}"): string {
  const conditions = '[{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"}]';
  const metadata = `{"name": "${name}", "namespace": "default", "annotations": ${annotations}}`;
  const status = name === "full" ? `, "status": {"conditions": ${conditions}}` : "";
  return `{"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": ${metadata}, "spec": ${spec}${status}}`;
}
