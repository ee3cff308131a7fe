import { humanAge } from "./human_duration.ts";
import type { JsonView } from "./json_view.ts";

/** A column as meta/v1 TableColumnDefinition has it, members in the order in which the API server writes them. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description: string;
  /** Above 0 it is for `kubectl get -o wide`. */
  readonly priority: number;
}

/** An integer beyond 2^53 is a bigint. */
export type Cell = string | number | bigint | boolean | null;

export interface Row {
  /** One for each column. */
  readonly cells: readonly Cell[];
  /** Of a pod that has ended: why. */
  readonly completed?: { readonly reason: string; readonly message: string };
}

/** How one resource is shown. */
export interface TablePrinter {
  readonly columns: readonly Column[];
  /** Whether every event of a watch describes the columns, not only the first. */
  readonly columnsInEveryEvent?: boolean;
  /** Whether integers of objects come as bigints, all of their digits kept. @default {false} */
  readonly exact?: boolean;
  /** @param nowMs milliseconds since 1970, for ages */
  row(object: JsonView, nowMs: number): Row;
}

export function column(name: string, description: string, type: Column["type"] = "string"): Column {
  return { name, type, format: "", description, priority: 0 };
}

/** A column for `kubectl get -o wide`. */
export function wide(name: string, description: string): Column {
  return { ...column(name, description), priority: 1 };
}

export const NAME: Column = {
  ...column(
    "Name",
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  ),
  format: "name",
};

export const AGE: Column = column(
  "Age",
  "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
);

export const CONTAINERS: Column = wide("Containers", "Names of each container in the template.");
export const IMAGES: Column = wide("Images", "Images referenced by each container in the template.");

export function nameOf(object: JsonView): string {
  return object.at("metadata", "name").text();
}

export function ageOf(object: JsonView, nowMs: number): string {
  return humanAge(object.at("metadata", "creationTimestamp").text(), nowMs);
}

/** Names and images of the containers of a pod's spec. */
export function containerCells(podSpec: JsonView): readonly [string, string] {
  const containers = podSpec.at("containers").items();
  return [
    containers.map((container) => container.at("name").text()).join(","),
    containers.map((container) => container.at("image").text()).join(","),
  ];
}

/** A map of labels as `a=b,c=d`. */
export function labelCell(labels: JsonView): string {
  return labels.entries().map(([key, value]) => `${key}=${value.text()}`).join(",") || "<none>";
}

/** A LabelSelector as text; empty where it selects everything, or is missing. */
export function selectorText(selector: JsonView): string {
  const requirements = [
    ...selector.at("matchLabels").entries().map(([key, value]) => ({ key, text: `${key}=${value.text()}` })),
    ...selector.at("matchExpressions").items().map((expression) => {
      const key = expression.at("key").text();
      return { key, text: expressionText(key, expression) };
    }),
  ];
  return requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ text }) => text).join(
    ",",
  );
}

export function selectorCell(selector: JsonView): string {
  return selectorText(selector) || "<none>";
}

/** The first of many, and how many more there are. */
export function listWithMore(texts: readonly string[], limit = 3): string {
  const shown = texts.slice(0, limit).join(",");
  return texts.length > limit ? `${shown} + ${texts.length - limit} more...` : shown;
}

function expressionText(key: string, expression: JsonView): string {
  const values = `(${[...expression.at("values").texts()].toSorted().join(",")})`;
  switch (expression.at("operator").text()) {
    case "In":
      return `${key} in ${values}`;
    case "NotIn":
      return `${key} notin ${values}`;
    case "DoesNotExist":
      return `!${key}`;
    default:
      return key;
  }
}
