import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openStateFile } from "../../adapters/shared/state_file.ts";
import { FileError } from "../../src/platform/files.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

describe("StateFile", () => {
  it("has no content before its first write, which makes it, readable by its owner alone and by people", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "deeper", "state.json");
      const file = await openStateFile(path);
      assert.equal(file.content, undefined);
      await file.write({ a: 1, b: ["x"] });
      assert.deepEqual(file.content, { a: 1, b: ["x"] });
      assert.equal(await readFile(path, "utf8"), '{\n  "a": 1,\n  "b": [\n    "x"\n  ]\n}\n');
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.deepEqual((await openStateFile(path)).content, { a: 1, b: ["x"] });
    }));

  it("writes one after the other, the last one wins, and nothing is left beside it", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "state.json");
      const file = await openStateFile(path);
      await Promise.all(Array.from({ length: 20 }, (_, number) => file.write({ number })));
      assert.deepEqual((await openStateFile(path)).content, { number: 19 });
      assert.deepEqual(await readdir(folder), ["state.json"]);
    }));

  it("says what cannot be read or written, and goes on after that", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "state.json");
      for (const text of ["{", '"text"', "null"]) {
        await writeFile(path, text);
        await assert.rejects(openStateFile(path), SyntaxError, text);
      }
      await assert.rejects(openStateFile(folder), FileError);
      const below = await openStateFile(join(folder, "file", "state.json"));
      await writeFile(join(folder, "file"), "");
      await assert.rejects(below.write({ a: 1 }), FileError);
      await assert.rejects(below.write({ a: 2 }), FileError);
    }));
});
