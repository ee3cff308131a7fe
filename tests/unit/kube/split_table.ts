import { elements, MemberCursor } from "../../../src/kube/json_cursor.ts";

/** Objects and version of a Table that was asked for with `includeObject=Object`; the objects' bytes as they came. */
export function splitTable(
  text: string,
): { readonly objects: readonly Uint8Array[]; readonly resourceVersion: string } {
  const table = new TextEncoder().encode(text);
  const objects: Uint8Array[] = [];
  let resourceVersion = "";
  const members = new MemberCursor(table);
  while (members.next()) {
    if (members.keyIs("metadata")) resourceVersion = resourceVersionOf(members.enter());
    if (!members.keyIs("rows")) continue;
    for (const { start } of elements(table, members.valueStart)) {
      const row = new MemberCursor(table, start);
      while (row.next()) if (row.keyIs("object")) objects.push(row.value());
    }
  }
  return { objects, resourceVersion };
}

function resourceVersionOf(metadata: MemberCursor): string {
  while (metadata.next()) if (metadata.keyIs("resourceVersion")) return metadata.string();
  return "";
}
