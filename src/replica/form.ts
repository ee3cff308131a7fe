import type { FrameListOptions } from "../kube/list_codec.ts";
import type { Transform } from "../kube/media_type.ts";
import { framePartialList, type MetaVersion, partialObject } from "../kube/partial_object.ts";
import type { Query } from "../kube/resources.ts";
import { type IncludeObject, printTable } from "../kube/table/print_table.ts";
import type { TablePrinter } from "../kube/table/table_printer.ts";

/** What the metadata of a list says, whatever its form. */
export type FormedListMeta = Pick<FrameListOptions, "resourceVersion" | "continue" | "remainingItemCount">;

/** A form in which a client wants objects instead of as they are (R12). Made for one answer. */
export interface Form {
  /** A list of objects. */
  list(objects: readonly Uint8Array[], meta: FormedListMeta): Iterable<Uint8Array>;
  /** One object, as an answer or in a watch's event, bookmarks too. */
  object(object: Uint8Array, resourceVersion: string): Uint8Array;
}

export interface FormOptions {
  readonly transform: Transform;
  readonly query: Pick<Query, "group" | "resource">;
  readonly includeObject: IncludeObject;
  /** Of Tables. @default the resource's own; of a custom resource its name and age */
  readonly printer?: TablePrinter | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** @returns the form; missing where it is not to be had here */
export function formOf({ transform, query, includeObject, nowMs, printer }: FormOptions): Form | undefined {
  if (transform.group !== "meta.k8s.io" || !isMetaVersion(transform.version)) return undefined;
  const { version } = transform;
  if (transform.kind !== "Table") {
    return {
      list: (items, meta) => framePartialList({ items, version, ...meta }),
      object: (object) => partialObject(object, version),
    };
  }
  const own = printer === undefined ? {} : { printer };
  const print = (objects: readonly Uint8Array[], meta: FormedListMeta, columns: boolean) =>
    printTable(query, objects, { ...meta, ...own, nowMs, includeObject, version, columns });
  if (print([], { resourceVersion: "" }, true) === undefined) return undefined;
  let described = false;
  return {
    list: (objects, meta) => [print(objects, meta, true) ?? nothing],
    object: (object, resourceVersion) => {
      const table = print([object], { resourceVersion }, !described);
      described = true;
      return table ?? nothing;
    },
  };
}

const nothing = new Uint8Array();

function isMetaVersion(version: string): version is MetaVersion {
  return version === "v1" || version === "v1beta1";
}
