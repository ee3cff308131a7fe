import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createCipher } from "../../adapters/shared/cipher.ts";
import { openStore } from "../../adapters/shared/store.ts";
import { StoreError } from "../../src/platform/store.ts";
import { verifyStore } from "../../src/replica/verify_store.ts";
import { createSealedStore } from "../../src/store/sealed_store.ts";
import { flipByte } from "../testing/flip_byte.ts";
import { names, syncMaps } from "../testing/hub_answers.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { connectWire } from "../testing/wire.ts";

for (
  const [what, isRow, firstBreaksOff] of [
    ["an object", /^o\|.*\|a\|/, true],
    ["a collection's head", /^c\|.*\|h$/, false],
    ["a collection's member", /^c\|.*\|m\|default\|a$/, false],
  ] as const
) {
  test(`R11: one flipped byte in the row of ${what} ends its collection; it is never served, and fetched again`, () =>
    withTempFolder(async (folder) => {
      const storePath = join(folder, "store.db");
      let flip = false;
      const beforeOpen = (): void => {
        if (flip) flipByte(storePath, (key) => isRow.test(key));
        flip = false;
      };
      await serveHub(async (scene) => {
        seedMap(scene.server, "a");
        seedMap(scene.server, "b");
        await syncMaps(scene);
        await scene.cut();
        flip = true;
        await scene.restart();
        if (firstBreaksOff) assert.doesNotMatch(await rawList(scene), /\r\n0\r\n\r\n$|Content-Length/);
        for (const path of [mapsPath, `${mapsPath}/a`, `${mapsPath}/b`]) {
          assert.equal((await scene.request("GET", path)).status, 503, path);
        }
        assert.ok(scene.log.some(({ level, message }) => level === "error" && /dropped/.test(message)));
        await scene.heal();
        await syncMaps(scene);
        await scene.cut();
        assert.deepEqual(names(await scene.request("GET", mapsPath)), ["a", "b"]);
      }, { storePath, beforeOpen });
      assert.deepEqual(await problemsOf(storePath), []);
    }));
}

test("a full disk: the hub goes on from memory and says so everywhere; once there is room, all of that time is kept", () =>
  withTempFolder(async (folder) => {
    const storePath = join(folder, "store.db");
    let full = false;
    await serveHub(async (scene) => {
      const told = () => tellings(scene);
      seedMap(scene.server, "before");
      await syncMaps(scene);
      assert.deepEqual(await told(), { readyz: "[+]store ok", metric: "0", status: true, logged: [] });
      full = true;
      const watch = await scene.watch(`${mapsPath}?watch=1&resourceVersion=0`);
      seedMap(scene.server, "meanwhile");
      await scene.until(async () => !(await told()).status, 250);
      const failing = await told();
      assert.match(failing.readyz, /^\[!\]store going on from memory: .*disk is full, the replica answers$/);
      assert.deepEqual([failing.metric, failing.logged], ["1", [
        "error Cannot write to the store, going on from memory",
      ]]);
      assert.deepEqual([(await watch.next()).object.metadata.name, (await watch.next()).object.metadata.name], [
        "before",
        "meanwhile",
      ]);
      await scene.cut();
      seedMap(scene.server, "unseen");
      assert.deepEqual(names(await scene.request("GET", mapsPath)), ["before", "meanwhile"]);
      full = false;
      await scene.until(async () => (await told()).status, 1_000);
      const healed = await told();
      assert.deepEqual([healed.readyz, healed.metric], ["[+]store ok", "0"]);
      assert.deepEqual(healed.logged.slice(1), ["info The store can be written again"]);
      await scene.restart();
      assert.deepEqual(names(await scene.request("GET", mapsPath)), ["before", "meanwhile"]);
    }, {
      storePath,
      onStore: (store) => ({
        get: (key) => store.get(key),
        list: (prefix) => store.list(prefix),
        keys: (prefix) => store.keys(prefix),
        commit: (batch) =>
          full ? Promise.reject(new StoreError("full", "database or disk is full")) : store.commit(batch),
        close: () => store.close(),
      }),
    });
    assert.deepEqual(await problemsOf(storePath), []);
  }));

interface Tellings {
  /** The store's line of `/readyz?verbose`. */
  readonly readyz: string;
  readonly metric: string;
  readonly status: boolean;
  /** Lines of the log about the store. */
  readonly logged: readonly string[];
}

async function tellings({ statusOrigin, log }: HubScene): Promise<Tellings> {
  const get = async (path: string): Promise<string> => await (await fetch(statusOrigin + path)).text();
  const lines = (await get("/readyz?verbose")).split("\n");
  // Not checked: an assertion on what is not there fails.
  const { store } = JSON.parse(await get("/v1/status")) as { readonly store: { readonly ok: boolean } };
  return {
    readyz: lines.find((line) => /\]store/.test(line)) ?? "",
    metric: /^holdfast_store_failed (\S+)$/m.exec(await get("/metrics"))?.[1] ?? "",
    status: store.ok,
    logged: log.filter(({ message }) => /store/.test(message)).map(({ level, message }) => `${level} ${message}`),
  };
}

/** All that comes as the answer to a list, to the end of the connection. */
async function rawList({ origin }: HubScene): Promise<string> {
  const wire = await connectWire(Number(new URL(origin).port));
  wire.send(`GET ${mapsPath} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const answer = await wire.untilClosed();
  wire.destroy();
  return answer;
}

async function problemsOf(path: string): Promise<readonly unknown[]> {
  const store = await openStore({ path, durability: "normal", readOnly: true });
  const { problems } = await verifyStore(createSealedStore(store, createCipher(new Uint8Array(32))));
  await store.close();
  return problems;
}
