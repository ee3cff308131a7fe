import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  allRows,
  describeAnswer,
  firstNames,
  laterNames,
  type ListOptionRow,
  offlineOf,
  pathOfRow,
} from "../testing/list_option_rows.ts";
import { type ApiAnswer, type ApiClient, getJson } from "./driver/api_client.ts";
import type { Hub } from "./driver/hub.ts";
import { type Scene, startHubOf, startScene } from "./driver/scene.ts";
import { waitFor } from "./driver/wait.ts";
import { inLanes } from "./driver/lanes.ts";

const SECRETS = "/api/v1/namespaces/default/secrets";

/** What a row was answered by the API server itself, through the hub, and by the hub alone. */
interface Answers {
  readonly direct: ApiAnswer;
  readonly online: ApiAnswer;
  readonly offline: ApiAnswer;
}

describe("the options of reads, asked directly and through the hub", () => {
  let scene: Scene;
  let hub: Hub;
  const answers = new Map<ListOptionRow, Answers>();

  before(async () => {
    scene = await startScene({ hub: false });
    const { cluster, relay } = scene;
    hub = await startHubOf({ cluster, relay, name: "admin", identity: "admin" });
    const values = await prepareSecrets(cluster.api, hub.api);
    const ask = (client: ApiClient) => inLanes(allRows, (row) => client(pathOfRow(row, SECRETS, values)));
    const direct = await ask(cluster.api);
    const online = await ask(hub.api);
    await relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    const offline = await ask(hub.api);
    await relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
    for (const row of allRows) {
      answers.set(row, { direct: of(direct, row), online: of(online, row), offline: of(offline, row) });
    }
  });
  after(async () => {
    await hub?.stop();
    await scene?.stop();
  });

  for (const row of allRows) {
    it(`${row.read} ${row.query}: ${row.online}, offline ${offlineOf(row)}`, () => {
      const { direct, online, offline } = of(answers, row);
      assert.equal(shownBy(row, direct), row.online.replace(/ (cloud|replica)/, ""), `direct: ${direct.text}`);
      assert.equal(shownBy(row, online), row.online, `online: ${online.text}`);
      assert.deepEqual(alike(online), alike(direct));
      assert.equal(shownBy(row, offline), offlineOf(row), `offline: ${offline.text}`);
      if (offline.status === direct.status) assert.deepEqual(alike(offline), alike(direct));
    });
  }

  it("a hub's page online and the API server's are cut alike, to the last one", async () => {
    const path = `${SECRETS}?resourceVersion=1&resourceVersionMatch=NotOlderThan`;
    const pages = async (client: ApiClient) => {
      const seen: unknown[] = [];
      let token = "";
      do {
        const answer = await client(token === "" ? `${path}&limit=2` : `${SECRETS}?limit=2&continue=${token}`);
        seen.push(alike(answer), namesOf(answer));
        token = listOf(answer).metadata.continue ?? "";
      } while (token !== "");
      return seen;
    };
    assert.deepEqual(await pages(hub.api), await pages(scene.cluster.api));
  });

  it("kubectl gets all of a list in pages, online and offline", async () => {
    const kubectl = scene.cluster.kubectlAt(hub.url);
    const get = async () => {
      const table = await kubectl.ok(["get", "secrets", "--chunk-size=2", "--no-headers", "-v=6"]);
      return table.split("\n").filter((line) => line.includes("Opaque")).map((line) => line.split(/\s+/)[0]);
    };
    assert.deepEqual(await get(), [...firstNames, ...laterNames]);
    await scene.relay.setMode("refuse");
    await hub.waitForLink("offline", 20_000);
    assert.deepEqual(await get(), [...firstNames, ...laterNames]);
    assert.match((await hub.status("/metrics")).text, /^holdfast_paged_lists [1-9]/m);
    await scene.relay.setMode("pass");
    await hub.waitForLink("online", 20_000);
  });
});

async function prepareSecrets(api: ApiClient, hub: ApiClient) {
  const add = async (name: string) => (await post(api, SECRETS, { metadata: { name } })).metadata.resourceVersion;
  const first: string[] = [];
  for (const name of firstNames) first.push(await add(name));
  assert.deepEqual(namesOf(await hub(`${SECRETS}?resourceVersion=0`)), firstNames);
  const later: string[] = [];
  for (const name of laterNames) later.push(await add(name));
  const all = firstNames.length + laterNames.length;
  await waitFor(
    "the hub to hold all",
    10_000,
    async () => namesOf(await hub(`${SECRETS}?resourceVersion=0`)).length === all,
  );
  // A GET must find an object whose collection has seen this version.
  const NOW = later.at(-1) ?? "";
  const TOKEN = listOf(await api(`${SECRETS}?limit=2`)).metadata.continue ?? "";
  return { OLD: first.at(-1) ?? "", NOW, AHEAD: String(Number(NOW) + 1_000_000), TOKEN };
}

function post(api: ApiClient, path: string, body: unknown) {
  return getJson(api, path, { method: "POST", body: JSON.stringify(body) });
}

function of<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  assert.ok(value !== undefined);
  return value;
}

function shownBy(row: ListOptionRow, { status, text, headers }: ApiAnswer): string {
  const source = headers["x-holdfast-source"];
  return describeAnswer(row, { status, text, ...(typeof source === "string" ? { source } : {}) });
}

interface ListJson {
  readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly message?: string;
}

function listOf({ text }: Pick<ApiAnswer, "text">): ListJson {
  return JSON.parse(text) as ListJson; // the assertions look at the fields
}

function namesOf(answer: ApiAnswer): readonly string[] {
  assert.equal(answer.status, 200, answer.text);
  return listOf(answer).items.map(({ metadata }) => metadata.name);
}

/** What two answers must have in common beside what they show: a Status but for versions of the moment, a list's counts. */
function alike({ status, text, headers }: ApiAnswer): unknown {
  const common = { status, retryAfter: headers["retry-after"] };
  if (status !== 200) return { ...common, text: text.replace(/current: \d+/, "current: N") };
  if (!text.startsWith('{"kind":"SecretList"')) return common;
  const { metadata: { remainingItemCount, continue: token } } = listOf({ text });
  return { ...common, remainingItemCount, more: token !== undefined };
}
