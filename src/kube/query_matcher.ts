import { fieldLabelProblem, fieldSourceOf, type ResourceType } from "./field_labels.ts";
import { type FieldRequirement, formatFieldSelector, matchesFields, parseFieldSelector } from "./field_selector.ts";
import { fieldsOf } from "./field_values.ts";
import { formatLabelSelector, type LabelRequirement, matchesLabels, parseLabelSelector } from "./label_selector.ts";
import type { ObjectMeta } from "./object_meta.ts";
import type { Query } from "./resources.ts";

/** What a matcher needs to know of an object beside its bytes. */
export type MatchedMeta = Pick<ObjectMeta, "namespace" | "name" | "labels">;

/** A query's conditions, read once. */
export interface Matcher {
  /** Whether `matches` always knows; false where a field label is not known for the resource. */
  readonly decidable: boolean;
  /** Whether `matches` reads the object's bytes; where it does not, any bytes will do. */
  readonly needsObject: boolean;
  /** Whether there is any condition at all. */
  readonly selectsAll: boolean;
  /** Whether the object is selected; missing where that cannot be told. @throws JsonSyntaxError */
  matches(meta: MatchedMeta, object: Uint8Array): boolean | undefined;
}

interface Conditions {
  readonly type: ResourceType;
  /** Empty for all. */
  readonly namespace: string;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
}

/** The conditions of a query: namespace, label selector and field selector. @throws StatusError 400 */
export function compileQuery(query: Query): Matcher {
  return matcherOf(conditionsOf(query));
}

/** `compileQuery` for one object. @throws StatusError 400, JsonSyntaxError */
export function matchesQuery(query: Query, object: Uint8Array, meta: MatchedMeta): boolean | undefined {
  return compileQuery(query).matches(meta, object);
}

/**
 * Whether all that the narrower query selects is in the wider one's answer, and can be found in it: the same resource
 * and version, the same namespace or all, each requirement of the wider among those of the narrower, and no further
 * one that cannot be evaluated here.
 *
 * @throws StatusError 400
 */
export function coversQuery(wider: Query, narrower: Query): boolean {
  return remainder(wider, narrower) !== undefined;
}

/**
 * What is still to be asked of the objects that the wider query selects, to find those of the narrower one; missing
 * where the wider does not cover the narrower.
 *
 * @throws StatusError 400
 */
export function remainder(wider: Query, narrower: Query): Matcher | undefined {
  if (wider.resource !== narrower.resource || wider.group !== narrower.group) return undefined;
  if (wider.version !== narrower.version) return undefined;
  if (wider.namespace !== "" && wider.namespace !== narrower.namespace) return undefined;
  const outer = conditionsOf(wider);
  const inner = conditionsOf(narrower);
  const labels = without(inner.labels, outer.labels, (requirement) => formatLabelSelector([requirement]));
  const fields = without(inner.fields, outer.fields, (requirement) => formatFieldSelector([requirement]));
  if (labels === undefined || fields === undefined) return undefined;
  const namespace = wider.namespace === narrower.namespace ? "" : narrower.namespace;
  const matcher = matcherOf({ type: narrower, namespace, labels, fields });
  return matcher.decidable ? matcher : undefined;
}

/** The requirements that the taken ones leave; missing where one of the taken is not among them. */
function without<T>(all: readonly T[], taken: readonly T[], textOf: (requirement: T) => string): T[] | undefined {
  const texts = new Set(all.map(textOf));
  const takenTexts = new Set(taken.map(textOf));
  if (![...takenTexts].every((text) => texts.has(text))) return undefined;
  return all.filter((requirement) => !takenTexts.has(textOf(requirement)));
}

function conditionsOf(query: Query): Conditions {
  return {
    type: query,
    namespace: query.namespace,
    labels: query.labelSelector === "" ? [] : parseLabelSelector(query.labelSelector),
    fields: query.fieldSelector === "" ? [] : parseFieldSelector(query.fieldSelector),
  };
}

function matcherOf({ type, namespace, labels, fields }: Conditions): Matcher {
  const inMeta = fields.filter(({ field }) => isMetaField(field));
  const known = fields.filter(({ field }) => !isMetaField(field) && fieldSourceOf(type, field) !== undefined);
  const decidable = inMeta.length + known.length === fields.length && fieldLabelProblem(type, fields) === undefined;
  return {
    decidable,
    needsObject: known.length > 0,
    selectsAll: namespace === "" && labels.length === 0 && fields.length === 0,
    matches(meta, object) {
      if (namespace !== "" && meta.namespace !== namespace) return false;
      if (!matchesLabels(labels, meta.labels)) return false;
      if (!matchesFields(inMeta, (field) => (field === "metadata.name" ? meta.name : meta.namespace))) return false;
      if (known.length > 0) {
        const valueOf = fieldsOf(type, object);
        if (!matchesFields(known, (field) => valueOf(field) ?? "")) return false;
      }
      return decidable ? true : undefined;
    },
  };
}

function isMetaField(field: string): boolean {
  return field === "metadata.name" || field === "metadata.namespace";
}
