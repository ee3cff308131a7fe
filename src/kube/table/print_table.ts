import { joinBytes } from "../joined_bytes.ts";
import { readObjectMeta } from "../object_meta.ts";
import { type MetaVersion, partialObject } from "../partial_object.ts";
import { parseWithIntegers } from "./exact_json.ts";
import { goJson } from "./go_json.ts";
import { JsonView } from "./json_view.ts";
import { printerOf, type TableResource } from "./printers.ts";
import type { Row, TablePrinter } from "./table_printer.ts";

/** What each row holds of its object beside the cells: the `includeObject` of the request. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface PrintTableOptions {
  /** The list's; for a single object, or an event of a watch, the object's own. */
  readonly resourceVersion: string;
  /** Milliseconds since 1970, for ages. */
  readonly nowMs: number;
  /** @default {Metadata} */
  readonly includeObject?: IncludeObject;
  /** Of meta.k8s.io. @default {v1} */
  readonly version?: MetaVersion;
  /** Whether the columns are described: in all but the first event of a watch they are not. @default {true} */
  readonly columns?: boolean;
  /** @default the resource's own; of a custom resource its name and age */
  readonly printer?: TablePrinter;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/**
 * Objects as a Table of meta.k8s.io, as kube-apiserver 1.36 prints them, with a line feed at its end. An event of a watch
 * holds a Table with one row, a bookmark too (see `frameEvent`). The columns of a custom resource are its definition's
 * (see `customPrinter`).
 *
 * @param objects with `kind` and `apiVersion`
 * @returns missing for built-in resources that have no printer here
 * @throws SyntaxError where an object is no JSON
 */
export function printTable(
  resource: TableResource,
  objects: Iterable<Uint8Array>,
  options: PrintTableOptions,
): Uint8Array | undefined {
  const { printer = printerOf(resource) } = options;
  if (printer === undefined) return undefined;
  const parts: (Uint8Array | string)[] = [`${tableStart(printer, options)},"rows":[`];
  for (const object of objects) {
    if (parts.length > 1) parts.push(",");
    parts.push(...rowParts(printer, object, options));
  }
  parts.push("]}\n");
  return joinBytes(parts);
}

function tableStart(printer: TablePrinter, options: PrintTableOptions): string {
  const { resourceVersion, continue: token, remainingItemCount, version = "v1", columns = true } = options;
  const metadata = {
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(token ? { continue: token } : {}),
    ...(remainingItemCount ? { remainingItemCount } : {}),
  };
  const definitions = columns || printer.columnsInEveryEvent === true ? goJson(printer.columns) : "null";
  return `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${
    JSON.stringify(metadata)
  },"columnDefinitions":${definitions}`;
}

function rowParts(
  printer: TablePrinter,
  object: Uint8Array,
  options: PrintTableOptions,
): readonly (Uint8Array | string)[] {
  const text = new TextDecoder().decode(object);
  const parsed: unknown = printer.exact === true ? parseWithIntegers(text) : JSON.parse(text);
  const row = printer.row(new JsonView(parsed), options.nowMs);
  const start = `{"cells":[${row.cells.map(goJson).join(",")}]${conditionsMember(row)},"object":`;
  return [start, objectCell(object, options), "}"];
}

function objectCell(
  object: Uint8Array,
  { includeObject = "Metadata", version = "v1" }: PrintTableOptions,
): Uint8Array | string {
  if (includeObject === "Object") return object;
  // The bookmark that ends a WatchList's initial events must be known as such, whatever was asked for.
  if (includeObject === "None" && !readObjectMeta(object).initialEventsEnd) return "null";
  return partialObject(object, version);
}

function conditionsMember({ completed }: Row): string {
  if (completed === undefined) return "";
  return `,"conditions":${goJson([{ type: "Completed", status: "True", ...completed }])}`;
}
