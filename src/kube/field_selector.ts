import { badRequest } from "./status.ts";

/** One term: a field path such as `spec.nodeName`, and the value that it must, or must not, have. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/**
 * Reads a field selector as apimachinery's `fields.ParseSelector` does, with the same errors.
 *
 * @returns the terms in the order of their texts; none where the selector selects everything
 * @throws StatusError 400
 */
export function parseFieldSelector(selector: string): readonly FieldRequirement[] {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(selector).toSorted()) {
    if (term === "") continue;
    // The first operator splits; `==` is tried before `=`, and no operator is escaped on the left.
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
    const [, field = "", operator, escaped = ""] = match;
    const value = unescapeValue(escaped);
    if (field !== "" || value !== "") requirements.push({ field, operator: operator === "!=" ? "!=" : "=", value });
  }
  return requirements;
}

/** The one form of all selectors that mean the same: terms sorted, `==` written as `=`, values escaped, no duplicates. */
export function formatFieldSelector(requirements: readonly FieldRequirement[]): string {
  return [...new Set(requirements.map(formatTerm))].toSorted().join(",");
}

/** The value that the selector demands of a field; missing where it demands none. The first term counts, as in Go. */
export function requiredValue(requirements: readonly FieldRequirement[], field: string): string | undefined {
  return requirements.find((requirement) => requirement.operator === "=" && requirement.field === field)?.value;
}

/**
 * Whether an object is selected. `fieldOf` gives a field's value as the API server does: an empty string where the
 * object lacks it.
 */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  fieldOf: (field: string) => string,
): boolean {
  return requirements.every(({ field, operator, value }) => (fieldOf(field) === value) === (operator === "="));
}

function formatTerm({ field, operator, value }: FieldRequirement): string {
  return `${field}${operator}${value.replace(/[\\,=]/g, "\\$&")}`;
}

function splitTerms(selector: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let index = 0; index < selector.length; index++) {
    if (selector[index] === "\\") {
      index++;
    } else if (selector[index] === ",") {
      terms.push(selector.slice(start, index));
      start = index + 1;
    }
  }
  terms.push(selector.slice(start));
  return terms;
}

function unescapeValue(escaped: string): string {
  return escaped.replace(/\\(.?)|[,=]/gsu, (text, character: string | undefined) => {
    if (character === undefined) {
      throw badRequest(`invalid field selector: unescaped character in value: ${text.charCodeAt(0)}`);
    }
    if (!/^[\\,=]$/.test(character)) throw badRequest(`invalid field selector: invalid escape sequence: ${text}`);
    return character;
  });
}
