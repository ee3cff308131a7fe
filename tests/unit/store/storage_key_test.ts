import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { files } from "../../../adapters/shared/files.ts";
import { random } from "../../../adapters/shared/random.ts";
import { FileError } from "../../../src/platform/files.ts";
import { loadStorageKey } from "../../../src/store/storage_key.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { withTempFolder } from "../../testing/temp_folder.ts";

describe("loadStorageKey", () => {
  it("loadStorageKey makes a key for the owner alone and finds it again", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "keys/storage.key");
      const key = await loadStorageKey({ files, random: createFakeRandom(5), path });
      assert.deepEqual(key, createFakeRandom(5).bytes(32));
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.deepEqual(await loadStorageKey({ files, random, path }), key);
    }));

  for (const length of [0, 31, 33, 64]) {
    it(`loadStorageKey refuses a file of ${length} bytes by its path and leaves it alone`, () =>
      withTempFolder(async (folder) => {
        const path = join(folder, "storage.key");
        await writeFile(path, new Uint8Array(length).fill(7));
        await assert.rejects(loadStorageKey({ files, random, path }), (error) => {
          assert.ok(error instanceof RangeError);
          assert.ok(error.message.includes(path) && error.message.includes(`${length} bytes`), error.message);
          return true;
        });
        assert.deepEqual(await files.read(path), new Uint8Array(length).fill(7));
      }));
  }

  it("loadStorageKey passes on that the file cannot be read", () =>
    withTempFolder(async (folder) => {
      await assert.rejects(loadStorageKey({ files, random, path: folder }), FileError);
    }));
});

describe("Random", () => {
  it("bytes gives as many as asked for, other ones each time", () => {
    for (const length of [0, 1, 32, 1_000]) assert.equal(random.bytes(length).length, length);
    assert.notDeepEqual(random.bytes(32), random.bytes(32));
  });

  it("float lies from 0 up to, but not, 1, for the fake one by its seed", () => {
    for (const each of [random, createFakeRandom(3)]) {
      const values = Array.from({ length: 1_000 }, () => each.float());
      assert.ok(values.every((value) => value >= 0 && value < 1));
      assert.ok(Math.min(...values) < 0.1 && Math.max(...values) > 0.9);
    }
    assert.equal(createFakeRandom(3).float(), createFakeRandom(3).float());
    assert.notEqual(createFakeRandom(3).float(), createFakeRandom(4).float());
  });
});
