import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCipher } from "../../../adapters/shared/cipher.ts";
import type { Store } from "../../../src/platform/store.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import { CORRUPT_KEYS_MAX, CorruptRowsError, createSealedStore } from "../../../src/store/sealed_store.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";

const cipher = createCipher(createFakeRandom(1).bytes(32));
const value = new TextEncoder().encode("password=hunter2");

describe("createSealedStore", () => {
  it("commit puts nothing of a value in clear into the store below", async () => {
    const below = createMemoryStore();
    await createSealedStore(below, cipher).commit({ put: [["secrets/a", value]] });
    assert.ok(!Buffer.from(await below.get("secrets/a") ?? []).includes("hunter2"));
  });

  it("get refuses a row that was moved to another key, and names the key but not the value", async () => {
    const [below, sealed] = await createRows(["a", "b"]);
    await below.commit({ put: [["b", await below.get("a") ?? new Uint8Array()]] });
    assert.deepEqual(await sealed.get("a"), value);
    await assert.rejects(sealed.get("b"), (error) => {
      assert.ok(error instanceof CorruptRowsError);
      assert.deepEqual([error.failure, error.keys, error.cut], ["corrupt", ["b"], false]);
      assert.match(error.message, /row b$/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  it("list yields every row that opens, then throws with the keys of all that do not", async () => {
    const [below, sealed] = await createRows(["a/1", "a/2", "b/1", "b/2", "c/1"]);
    await below.commit({ put: [["a/2", value], ["b/2", new Uint8Array()]] });
    const found: string[] = [];
    await assert.rejects(async () => {
      for await (const [key] of sealed.list("")) found.push(key);
    }, (error) => error instanceof CorruptRowsError && error.keys.join() === "a/2,b/2" && !error.cut);
    assert.deepEqual(found, ["a/1", "b/1", "c/1"]);
    await sealed.commit({ removePrefix: ["a/", "b/"] });
    for await (const [key] of sealed.list("")) assert.equal(key, "c/1");
  });

  it("list ends early where more rows than CORRUPT_KEYS_MAX do not open", async () => {
    const below = createMemoryStore();
    const keys = Array.from({ length: CORRUPT_KEYS_MAX + 5 }, (_, index) => `${index}`);
    await below.commit({ put: keys.map((key) => [key, value]) });
    await assert.rejects(async () => {
      for await (const [key] of createSealedStore(below, cipher).list("")) assert.fail(key);
    }, (error) => error instanceof CorruptRowsError && error.keys.length === CORRUPT_KEYS_MAX && error.cut);
  });

  it("commit rejects and writes nothing where the cipher fails", async () => {
    const below = createMemoryStore();
    const broken = {
      ...cipher,
      seal: (): never => {
        throw new Error("no cipher");
      },
    };
    await assert.rejects(
      createSealedStore(below, broken).commit({ put: [["a", value]], removePrefix: [""] }),
      /no cipher/,
    );
    assert.equal(await below.get("a"), undefined);
  });
});

async function createRows(keys: readonly string[]): Promise<readonly [below: Store, sealed: Store]> {
  const below = createMemoryStore();
  const sealed = createSealedStore(below, cipher);
  await sealed.commit({ put: keys.map((key) => [key, value]) });
  return [below, sealed];
}
