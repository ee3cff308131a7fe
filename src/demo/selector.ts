import { type ApiObject, fieldAt } from "./api_object.ts";
import type { ResourceType } from "./resource_type.ts";

export type ObjectPredicate = (object: ApiObject) => boolean;

/** The selector cannot be read, or names a field that the resource does not know. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

/** Reads a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`. @throws SelectorError */
export function parseLabelSelector(text: string): ObjectPredicate {
  const requirements = splitTerms(text).map(labelRequirement);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return requirements.every((matches) => matches(labels));
  };
}

/** Reads a field selector: `=`, `==`, `!=` on the fields of the resource. @throws SelectorError */
export function parseFieldSelector(text: string, type: ResourceType): ObjectPredicate {
  const known = ["metadata.name", "metadata.namespace", ...type.fields];
  const requirements = splitTerms(text).map((term) => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
    const field = match?.[1] ?? "";
    if (match === null) throw new SelectorError(`invalid field selector: ${term}`);
    if (!known.includes(field)) throw new SelectorError(`field label not supported: ${field}`);
    return { field, equal: match[2] !== "!=", value: match[3] ?? "" };
  });
  return (object) =>
    requirements.every(({ field, equal, value }) => (String(fieldAt(object, field) ?? "") === value) === equal);
}

function splitTerms(text: string): readonly string[] {
  return text.split(/,(?![^(]*\))/).map((term) => term.trim()).filter((term) => term !== "");
}

function labelRequirement(term: string): (labels: Readonly<Record<string, string>>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, name = "", operator, values = ""] = set;
    const allowed = values.split(",").map((value) => value.trim());
    return (labels) => {
      const value = labels[name];
      return value === undefined ? operator === "notin" : allowed.includes(value) === (operator === "in");
    };
  }
  const comparison = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term);
  if (comparison) {
    const [, name = "", operator, value] = comparison;
    return (labels) => (labels[name] === value) === (operator !== "!=");
  }
  const presence = /^(!?)([^=!\s()]+)$/.exec(term);
  if (presence === null) throw new SelectorError(`unable to parse requirement: ${term}`);
  const [, absent, name = ""] = presence;
  return (labels) => name in labels !== (absent === "!");
}
