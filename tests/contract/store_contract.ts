import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Store, StoreError } from "../../src/platform/store.ts";

/** Opens a fresh, empty store; the second member takes away what it lies in. */
export type OpenTestStore = () => Promise<readonly [store: Store, remove: () => Promise<void>]>;

/** From low to high by UTF-8 bytes; by UTF-16 units the last three would be in another order. */
const ORDERED_KEYS = [
  "",
  "\u0000",
  "%",
  "%a",
  "A",
  "_",
  "a",
  "a\u0000",
  "a%",
  "a/",
  "a/b",
  "a0",
  "aa",
  "b",
  "é",
  "\u{e000}",
  "\u{ffff}",
  "\u{10000}",
  "\u{10ffff}",
];

/** What every store must do. */
export function testStore(name: string, open: OpenTestStore): void {
  const test = (criterion: string, run: (store: Store) => Promise<void>): void => {
    it(criterion, async () => {
      const [store, remove] = await open();
      try {
        await run(store);
      } finally {
        await store.close();
        await remove();
      }
    });
  };
  describe(`Store (${name})`, () => {
    testRows(test);
    testBatches(test);
    testLists(test);
    testEnd(test);
  });
}

type Test = (criterion: string, run: (store: Store) => Promise<void>) => void;

function testRows(test: Test): void {
  test("get gives nothing for a key that was never put", async (store) => {
    assert.equal(await store.get("a"), undefined);
  });
  test("get gives the bytes of the last commit, of any length", async (store) => {
    for (const length of [0, 1, 5_000, 3_000_000]) {
      const value = new Uint8Array(length).fill(length % 251);
      await store.commit({ put: [["key", value]] });
      assert.deepEqual(await store.get("key"), value);
    }
  });
  test("get finds each key exactly, whatever is in it", async (store) => {
    await store.commit({ put: ORDERED_KEYS.map((key, index) => [key, Uint8Array.of(index)]) });
    for (const [index, key] of ORDERED_KEYS.entries()) assert.deepEqual(await store.get(key), Uint8Array.of(index));
    assert.equal(await store.get("a/b/"), undefined);
  });
  test("commit copies the batch before it returns", async (store) => {
    const value = Uint8Array.of(1, 2, 3);
    const committed = store.commit({ put: [["key", value]] });
    value.fill(9);
    await committed;
    assert.deepEqual(await store.get("key"), Uint8Array.of(1, 2, 3));
    (await store.get("key"))?.fill(9);
    assert.deepEqual(await store.get("key"), Uint8Array.of(1, 2, 3));
  });
  test("commit takes a value that is a view of a larger buffer", async (store) => {
    const buffer = Uint8Array.from({ length: 100 }, (_, index) => index);
    await store.commit({ put: [["key", buffer.subarray(10, 13)]] });
    assert.deepEqual(await store.get("key"), Uint8Array.of(10, 11, 12));
  });
}

function testBatches(test: Test): void {
  test("commit removes prefixes and keys before it puts", async (store) => {
    await store.commit({ put: rows(["a/1", "a/2", "b/1", "b/2", "c"]) });
    await store.commit({ put: rows(["a/2", "b/1"]), remove: ["b/1", "c", "missing"], removePrefix: ["a/", "none/"] });
    assert.deepEqual(await keysOf(store, ""), ["a/2", "b/1", "b/2"]);
  });
  test("commit removes no neighbour of a prefix", async (store) => {
    await store.commit({ put: rows(ORDERED_KEYS) });
    for (const prefix of ["%", "_", "a/", "\u{10ffff}"]) await store.commit({ removePrefix: [prefix] });
    const kept = ORDERED_KEYS.filter((key) => !/^(%|_|a\/|\u{10ffff})/u.test(key));
    assert.deepEqual(await keysOf(store, ""), kept);
    await store.commit({ removePrefix: [""] });
    assert.deepEqual(await keysOf(store, ""), []);
  });
  test("commit of an empty batch changes nothing", async (store) => {
    await store.commit({ put: rows(["a"]) });
    await store.commit({});
    await store.commit({ put: [], remove: [], removePrefix: [] });
    assert.deepEqual(await keysOf(store, ""), ["a"]);
  });
  test("commit applies batches in the order of the calls", async (store) => {
    const settled: number[] = [];
    await Promise.all(Array.from({ length: 500 }, async (_, index) => {
      await store.commit({
        put: [["key", text(`${index}`)], [`row/${index}`, text("")]],
        remove: [`row/${index - 1}`],
      });
      settled.push(index);
    }));
    assert.deepEqual(await store.get("key"), text("499"));
    assert.deepEqual(await keysOf(store, "row/"), ["row/499"]);
    assert.deepEqual(settled, Array.from({ length: 500 }, (_, index) => index));
  });
  test("commit is seen by a get as soon as it has resolved", async (store) => {
    for (let round = 0; round < 100; round++) {
      await store.commit({ put: [["key", text(`${round}`)]] });
      assert.deepEqual(await store.get("key"), text(`${round}`));
    }
  });
}

function testLists(test: Test): void {
  test("list gives all rows with the prefix in the order of their UTF-8 bytes", async (store) => {
    await store.commit({ put: rows(ORDERED_KEYS.toReversed()) });
    assert.deepEqual(await keysOf(store, ""), ORDERED_KEYS);
    for (const prefix of ["a", "a/", "a%", "%", "_", "é", "\u{10000}", "\u{10ffff}", "\u0000", "none"]) {
      assert.deepEqual(
        await keysOf(store, prefix),
        ORDERED_KEYS.filter((key) => key.startsWith(prefix)),
        `prefix ${prefix}`,
      );
    }
  });
  test("list gives every row of many pages once, with its value", async (store) => {
    const keys = Array.from({ length: 1_500 }, (_, index) => `pods/${String(index).padStart(5, "0")}`);
    await store.commit({ put: [...rows(keys), ["podz", text("")]] });
    const found: string[] = [];
    for await (const [key, value] of store.list("pods/")) {
      assert.deepEqual(value, text(`value of ${key}`));
      found.push(key);
    }
    assert.deepEqual(found, keys);
  });
  test("list gives rows of any size, from empty to larger than a page", async (store) => {
    const sizes = [0, 1_500_000, 0, 200_000, 200_000, 200_000, 1];
    await store.commit({ put: sizes.map((size, index) => [`${index}`, new Uint8Array(size).fill(index)]) });
    const found: number[] = [];
    for await (const [key, value] of store.list("")) {
      assert.equal(value.at(-1) ?? Number(key), Number(key));
      found.push(value.length);
    }
    assert.deepEqual(found, sizes);
  });
  test("list goes on beside commits and gives the rows that they leave alone", async (store) => {
    const keys = Array.from({ length: 1_000 }, (_, index) => `k/${String(index).padStart(5, "0")}`);
    await store.commit({ put: rows(keys) });
    const found: string[] = [];
    for await (const [key] of store.list("k/")) {
      if (found.length === 0) await store.commit({ remove: ["k/00999"], put: rows(["k/00000a", "l"]) });
      if (keys.includes(key)) found.push(key);
    }
    assert.deepEqual(found.slice(0, 999), keys.slice(0, 999));
    assert.ok(found.length >= 999);
  });
  test("list can be left early and begun again", async (store) => {
    await store.commit({ put: rows(["a", "b", "c"]) });
    for await (const [key] of store.list("")) {
      assert.equal(key, "a");
      break;
    }
    await store.commit({ remove: ["a"] });
    assert.deepEqual(await keysOf(store, ""), ["b", "c"]);
  });
}

function testEnd(test: Test): void {
  test("close waits for the commits under way and may be called twice", async (store) => {
    let resolved = 0;
    const commits = Array.from({ length: 50 }, async (_, index) => {
      await store.commit({ put: [[`${index}`, new Uint8Array(10_000)]] });
      resolved++;
    });
    await Promise.all([store.close(), store.close()]);
    await Promise.all(commits);
    assert.equal(resolved, 50);
  });
  test("get, list and commit reject as closed after close", async (store) => {
    await store.close();
    const closed = (error: unknown): boolean => error instanceof StoreError && error.failure === "closed";
    await assert.rejects(store.get("a"), closed);
    await assert.rejects(store.commit({ put: rows(["a"]) }), closed);
    await assert.rejects(keysOf(store, ""), closed);
  });
}

/** The keys with a prefix, in the order of the list. */
export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.list(prefix)) keys.push(key);
  return keys;
}

function rows(keys: readonly string[]): (readonly [key: string, value: Uint8Array])[] {
  return keys.map((key) => [key, text(`value of ${key}`)]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
