import type { Snapshot } from "../../src/replica/collection.ts";
import type { Query } from "../../src/kube/resources.ts";

/** All ConfigMaps. */
export const mapsQuery: Query = {
  group: "",
  version: "v1",
  resource: "configmaps",
  namespace: "",
  labelSelector: "",
  fieldSelector: "",
};

/** What of an object the tests of the replica vary. */
export interface ObjectOptions {
  readonly namespace?: string;
  readonly uid?: string;
  readonly value?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A ConfigMap as bytes of JSON, in `default`, whose uid is its name unless another is given. */
export function mapBytes(name: string, version: number | string, options: ObjectOptions = {}): Uint8Array {
  const { namespace = "default", uid = name, value = String(version), labels } = options;
  const metadata = { name, namespace, uid, resourceVersion: String(version), labels };
  return new TextEncoder().encode(JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata, data: { value } }));
}

/** A complete list of ConfigMaps. */
export function mapList(resourceVersion: number | string, ...items: readonly Uint8Array[]): Snapshot {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    listKind: "ConfigMapList",
    resourceVersion: String(resourceVersion),
    items,
  };
}

/** The parsed JSON. Not checked: an assertion on what is not there fails. */
export function parsed(bytes: Uint8Array | undefined): ParsedObject {
  return JSON.parse(new TextDecoder().decode(bytes)) as ParsedObject;
}

export interface ParsedObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  readonly data: { readonly value: string };
}
