/** What of an object the tests of the replica vary. */
export interface ObjectOptions {
  readonly namespace?: string;
  readonly uid?: string;
  readonly value?: string;
}

/** A ConfigMap as bytes of JSON, in `default`, whose uid is its name unless another is given. */
export function mapBytes(name: string, version: number | string, options: ObjectOptions = {}): Uint8Array {
  const { namespace = "default", uid = name, value = String(version) } = options;
  const metadata = { name, namespace, uid, resourceVersion: String(version) };
  return new TextEncoder().encode(JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata, data: { value } }));
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
