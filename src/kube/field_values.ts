import { fieldSourceOf, type ResourceType } from "./field_labels.ts";
import { MemberCursor } from "./json_cursor.ts";

/**
 * Reads an object's selectable fields, each when it is asked for, by scanning up to its place.
 *
 * @returns by field label, the value as the API server compares it; missing where the label is not known for this
 * resource: for custom resources all but `metadata.name` and `metadata.namespace`
 * @throws JsonSyntaxError (what is returned, too) where the bytes are no object
 */
export function fieldsOf(type: ResourceType, object: Uint8Array): (label: string) => string | undefined {
  return (label) => {
    const source = fieldSourceOf(type, label);
    if (source === undefined) return undefined;
    const text = textAt(object, source.path);
    if (text) return text;
    return (source.otherwise && textAt(object, source.otherwise)) ?? source.missing;
  };
}

/** A string, or the text of a number or literal; missing where there is nothing, or `null`. */
function textAt(object: Uint8Array, path: readonly string[]): string | undefined {
  if (path.length === 0) return undefined;
  let members = new MemberCursor(object);
  for (const [depth, key] of path.entries()) {
    if (!goTo(members, key)) return undefined;
    if (depth < path.length - 1) members = members.enter();
  }
  return object[members.valueStart] === 0x22 ? members.string() : new TextDecoder().decode(members.value());
}

function goTo(members: MemberCursor, key: string): boolean {
  while (members.next()) if (members.keyIs(key)) return !members.isNull;
  return false;
}
