import { isJsonObject, type JsonObject } from "../kube/json_equal.ts";
import { joinBytes } from "../kube/joined_bytes.ts";
import type { ObjectMeta } from "../kube/object_meta.ts";
import { internalError } from "../kube/status.ts";
import type { ObjectFilter } from "../replica/object_filter.ts";
import type { Filter, Lookups } from "./filter.ts";
import { rewriteJson } from "./rewrite_json.ts";

const closeBrace = 0x7d;

/** A filter that has thrown. */
export interface FilterFailure {
  /** Its name. */
  readonly filter: string;
  /** At which object, as `NAMESPACE/NAME`. */
  readonly object: string;
  readonly cause: unknown;
}

export interface FilterChainOptions {
  /** In the order in which they follow each other. */
  readonly filters: readonly Filter[];
  readonly lookups: Lookups;
  /** Told of each filter that throws. */
  readonly failed: (failure: FilterFailure) => void;
}

/** Some filters, one after the other, as of one moment's tables. What they don't touch is neither parsed nor written again. */
export class FilterChain implements ObjectFilter {
  readonly #options: FilterChainOptions;

  constructor(options: FilterChainOptions) {
    this.#options = options;
  }

  /** @throws StatusError 500 where a filter throws */
  concerns(meta: ObjectMeta): boolean {
    const { filters } = this.#options;
    for (const filter of filters) if (this.#concerns(filter, meta)) return true;
    return false;
  }

  /** @throws StatusError 500 where a filter throws */
  show(meta: ObjectMeta, object: Uint8Array): Uint8Array | undefined {
    let came: JsonObject | undefined;
    let shown: JsonObject | undefined;
    for (const filter of this.#options.filters) {
      if (!this.#concerns(filter, meta)) continue;
      if (shown === came && !isMentioned(filter.mentions, object)) continue;
      if (shown === undefined) shown = came = this.#parsed(filter, meta, object);
      shown = this.#applied(filter, meta, shown);
      if (shown === undefined) return undefined;
    }
    if (shown === undefined || shown === came) return object;
    const end = object.lastIndexOf(closeBrace) + 1;
    const written = rewriteJson(object.subarray(0, end), { before: came, after: shown });
    return end === object.length ? written : joinBytes([written, object.subarray(end)]);
  }

  #concerns(filter: Filter, meta: ObjectMeta): boolean {
    try {
      return filter.concerns(meta, this.#options.lookups);
    } catch (cause) {
      throw this.#failure(filter, meta, cause);
    }
  }

  #parsed(filter: Filter, meta: ObjectMeta, object: Uint8Array): JsonObject {
    try {
      return parseFrozen(object);
    } catch (cause) {
      throw this.#failure(filter, meta, cause);
    }
  }

  #applied(filter: Filter, meta: ObjectMeta, object: JsonObject): JsonObject | undefined {
    try {
      return filter.apply(object, this.#options.lookups);
    } catch (cause) {
      throw this.#failure(filter, meta, cause);
    }
  }

  #failure({ name: filter }: Filter, { namespace, name }: ObjectMeta, cause: unknown): Error {
    const object = namespace === "" ? name : `${namespace}/${name}`;
    this.#options.failed({ filter, object, cause });
    return internalError(`The filter ${filter} has failed at ${object}`, { cause });
  }
}

/** Frozen, so that a filter which changes what it was given fails instead of changing it by half. */
function parseFrozen(object: Uint8Array): JsonObject {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(object));
  if (!isJsonObject(parsed)) throw new TypeError("Cannot filter what is no object");
  freeze(parsed);
  return parsed;
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const member of Object.values(value)) freeze(member);
  Object.freeze(value);
}

/** Whether one of the texts stands anywhere in the bytes; true where there are no texts. */
function isMentioned(texts: readonly string[], bytes: Uint8Array): boolean {
  return texts.length === 0 || texts.some((text) => includesAscii(bytes, text));
}

function includesAscii(bytes: Uint8Array, text: string): boolean {
  const first = text.charCodeAt(0);
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let length = 1;
    while (length < text.length && bytes[at + length] === text.charCodeAt(length)) length++;
    if (length === text.length) return true;
  }
  return false;
}
