import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inTime } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import {
  allRows,
  describeAnswer,
  firstNames,
  getRows,
  laterNames,
  type ListOptionRow,
  listRows,
  offlineOf,
  pathOfRow,
  type RowValues,
  tooOldRows,
  watchRows,
  wrongListRows,
} from "../testing/list_option_rows.ts";
import { seed } from "../testing/sample_objects.ts";

const path = "/api/v1/namespaces/default/secrets";

function add({ server }: HubScene, name: string): string {
  const metadata = { name, namespace: "default" };
  return seed(server, { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque" });
}

/** A live collection whose log has the later objects, and whose earlier ones came with its state. */
async function prepare(scene: HubScene): Promise<RowValues> {
  const first = firstNames.map((name) => add(scene, name));
  await scene.request("GET", `${path}?resourceVersion=0`);
  const later = laterNames.map((name) => add(scene, name));
  const isComplete = async () => {
    const { body } = await scene.request("GET", `${path}?resourceVersion=0`);
    return body.items.length === firstNames.length + laterNames.length;
  };
  await scene.until(isComplete);
  const page = await scene.request("GET", `${path}?limit=2`);
  return {
    OLD: first.at(-1) ?? "",
    NOW: later.at(-1) ?? "",
    AHEAD: "999999",
    TOKEN: page.body.metadata.continue ?? "",
  };
}

async function ask(scene: HubScene, row: ListOptionRow, values: RowValues): Promise<string> {
  const asked = async () => {
    const response = await fetch(scene.origin + pathOfRow(row, path, values));
    return { status: response.status, source: response.headers.get("x-holdfast-source"), text: await response.text() };
  };
  const { source, ...answer } = await inTime(scene, asked());
  return describeAnswer(row, { ...answer, ...(source === null ? {} : { source }) });
}

for (
  const [what, rows] of [
    ["R1, R2: get", getRows],
    ["R1, R8: list", listRows],
    ["wrong options of a list", wrongListRows],
    ["R3, R4: watch", [...watchRows, ...tooOldRows]],
  ] as const
) {
  describe(`${what}, row by row of the API concepts page`, () => {
    for (const row of rows) {
      test(`${row.read} ${row.query}: online ${row.online}, offline ${offlineOf(row)}`, () =>
        serveHub(async (scene) => {
          const values = await prepare(scene);
          const online = await ask(scene, row, values);
          await scene.cut();
          assert.deepEqual([online, await ask(scene, row, values)], [row.online, offlineOf(row)]);
        }));
    }
  });
}

test("the rows of the API concepts page are asked once each", () => {
  const asked = allRows.map(({ read, query }) => `${read} ${query}`);
  assert.equal(new Set(asked).size, asked.length);
});
