import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCipher } from "../../../adapters/shared/cipher.ts";
import { type Store, StoreError } from "../../../src/platform/store.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { rekeyStore } from "../../../src/store/rekey_store.ts";
import { createSealedStore } from "../../../src/store/sealed_store.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";

const random = createFakeRandom(1);
const from = createCipher(random.bytes(32));
const to = createCipher(random.bytes(32));
/** Three of them fill a commit. */
const value = random.bytes(1_500_000);
const keys = ["a", "b", "c", "d", "e", "f", "g"];

describe("rekeyStore", () => {
  it("seals every row with the new key, and leaves what opens with neither", async () => {
    const store = await filled();
    await store.commit({ put: [["damaged", new Uint8Array(60)]] });
    assert.deepEqual(await rekeyStore(store, { from, to }), { sealed: keys.length, unreadable: 1 });
    for (const key of keys) assert.deepEqual(await createSealedStore(store, to).get(key), value);
    await assert.rejects(createSealedStore(store, from).get("a"), /Cannot open row a/);
    assert.deepEqual(await store.get("damaged"), new Uint8Array(60));
  });

  for (const commits of [0, 1, 2]) {
    it(`goes on where it was ended after ${commits} commits`, async () => {
      const store = await filled();
      await assert.rejects(rekeyStore(failingAfter(store, commits), { from, to }), StoreError);
      assert.deepEqual(await rekeyStore(store, { from, to }), { sealed: keys.length, unreadable: 0 });
      for (const key of keys) assert.deepEqual(await createSealedStore(store, to).get(key), value);
    });
  }
});

async function filled(): Promise<Store> {
  const store = createMemoryStore();
  await createSealedStore(store, from).commit({ put: keys.map((key) => [key, value]) });
  return store;
}

function failingAfter(store: Store, commits: number): Store {
  let left = commits;
  return {
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    keys: (prefix) => store.keys(prefix),
    commit: (batch) => left-- > 0 ? store.commit(batch) : Promise.reject(new StoreError("full", "no room")),
    close: () => store.close(),
  };
}
