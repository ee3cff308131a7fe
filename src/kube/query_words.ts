import type { Query } from "./resources.ts";
import { resourceWords } from "./resource_words.ts";

/** A query as one would give it to `kubectl get`: `pods.v1. -n default -l app=web --field-selector spec.nodeName=node-1`. */
export function queryWords(query: Query): string {
  const { namespace, labelSelector, fieldSelector } = query;
  return [
    resourceWords(query),
    ...(namespace === "" ? ["-A"] : ["-n", namespace]),
    ...(labelSelector === "" ? [] : ["-l", quoted(labelSelector)]),
    ...(fieldSelector === "" ? [] : ["--field-selector", quoted(fieldSelector)]),
  ].join(" ");
}

/** As a shell needs it. */
function quoted(text: string): string {
  return /^[\w.,=/:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
