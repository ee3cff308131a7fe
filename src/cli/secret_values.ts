import { isJsonObject, type JsonObject } from "../kube/json_equal.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * A Secret without what it keeps: each value of `data` and `stringData` becomes a note of its length, and the manifest that
 * kubectl leaves in an annotation goes too. Anything else stays as it is.
 */
export function withoutSecretValues(object: unknown): unknown {
  if (!isJsonObject(object) || object["kind"] !== "Secret" || object["apiVersion"] !== "v1") return object;
  return mapMembers(object, {
    data: (data) => isJsonObject(data) ? mapAll(data, (value) => redacted(base64Length(value))) : redacted(undefined),
    stringData: (data) =>
      isJsonObject(data) ? mapAll(data, (value) => redacted(textLength(value))) : redacted(undefined),
    metadata: (metadata) => isJsonObject(metadata) ? mapMembers(metadata, { annotations: withoutManifest }) : metadata,
  });
}

function withoutManifest(annotations: unknown): unknown {
  return isJsonObject(annotations)
    ? mapMembers(annotations, { [lastApplied]: () => redacted(undefined) })
    : annotations;
}

function mapMembers(object: JsonObject, change: Readonly<Record<string, (value: unknown) => unknown>>): JsonObject {
  return mapAll(object, (value, key) => Object.hasOwn(change, key) ? change[key]?.(value) : value);
}

function mapAll(object: JsonObject, change: (value: unknown, key: string) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

function redacted(bytes: number | undefined): string {
  return bytes === undefined ? "(redacted)" : `(redacted, ${bytes} bytes)`;
}

function base64Length(value: unknown): number | undefined {
  return typeof value === "string" ? Math.floor(value.replace(/[=\s]/g, "").length * 3 / 4) : undefined;
}

function textLength(value: unknown): number | undefined {
  return typeof value === "string" ? new TextEncoder().encode(value).length : undefined;
}
