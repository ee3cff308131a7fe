import { isJsonObject, type JsonObject } from "./api_object.ts";

/**
 * Applies a JSON merge patch (RFC 7396). A strategic merge patch is taken for one too, its directives (`$patch`,
 * `$setElementOrder/…`, `$retainKeys`) left out: a list in it replaces the list that was there, which is enough where
 * the writer sends whole lists, as the simulated kubelet does.
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: Record<string, unknown> = isJsonObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    if (value === null) delete result[name];
    else result[name] = applyMergePatch(result[name], value);
  }
  return result satisfies JsonObject;
}
