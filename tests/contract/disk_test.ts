import assert from "node:assert/strict";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { disk } from "../../adapters/shared/disk.ts";
import { FileError } from "../../src/platform/files.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

describe("Disk", () => {
  it("stat tells kind, mode and size, through links, and nothing for what is not there", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "file");
      await writeFile(path, "four");
      await chmod(path, 0o640);
      await symlink(path, join(folder, "link"));
      const want = { kind: "file", mode: 0o640, bytes: 4 };
      assert.deepEqual(await disk.stat(path), want);
      assert.deepEqual(await disk.stat(join(folder, "link")), want);
      assert.equal((await disk.stat(folder))?.kind, "folder");
      assert.equal((await disk.stat("/dev/null"))?.kind, "other");
      assert.equal(await disk.stat(join(folder, "none")), undefined);
      assert.equal(await disk.stat(join(path, "below")), undefined);
    }));

  it("list gives the names in order, and nothing for what is no folder", () =>
    withTempFolder(async (folder) => {
      await mkdir(join(folder, "b"));
      await writeFile(join(folder, "a"), "");
      await writeFile(join(folder, "c"), "");
      assert.deepEqual(await disk.list(folder), ["a", "b", "c"]);
      assert.deepEqual(await disk.list(join(folder, "b")), []);
      assert.equal(await disk.list(join(folder, "none")), undefined);
      assert.equal(await disk.list(join(folder, "a")), undefined);
    }));

  it("freeBytes tells the room, and FileError for a folder that is not there", () =>
    withTempFolder(async (folder) => {
      const free = await disk.freeBytes(folder);
      assert.ok(Number.isInteger(free) && free > 0, String(free));
      const path = join(folder, "none");
      await assert.rejects(disk.freeBytes(path), (error) => {
        assert.ok(error instanceof FileError && error.path === path && error.code === "ENOENT", String(error));
        return true;
      });
    }));
});
