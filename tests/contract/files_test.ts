import assert from "node:assert/strict";
import { mkdir, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { files } from "../../adapters/shared/files.ts";
import { FILE_POLL_MS } from "../../adapters/shared/file_watch.ts";
import { FileError } from "../../src/platform/files.ts";
import { keepAlive } from "../testing/keep_alive.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

const CHANGE_MS_MAX = 2 * FILE_POLL_MS + 2_000;

describe("FileSystem", () => {
  it("read gives nothing for a file that is not there, and FileError for what is no file", () =>
    withTempFolder(async (folder) => {
      assert.equal(await files.read(join(folder, "none")), undefined);
      assert.equal(await files.read(join(folder, "none/deeper")), undefined);
      await assert.rejects(files.read(folder), isFileError(folder, "EISDIR"));
    }));

  it("writeAtomic writes what read gives back, replaces it, and leaves nothing beside it", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "a/b/file");
      for (const content of [new Uint8Array(), Uint8Array.of(0, 255), new Uint8Array(1_000_000).fill(3)]) {
        await files.writeAtomic(path, content, { mode: 0o600 });
        assert.deepEqual(await files.read(path), content);
      }
      assert.deepEqual(await readdir(join(folder, "a/b")), ["file"]);
      assert.equal((await stat(join(folder, "a"))).mode & 0o777, 0o700);
    }));

  it("writeAtomic sets the mode whatever the umask and the old file's mode", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "file");
      for (const mode of [0o600, 0o666, 0o640]) {
        await files.writeAtomic(path, Uint8Array.of(1), { mode });
        assert.equal((await stat(path)).mode & 0o777, mode);
      }
    }));

  it("writeAtomic that fails says why and leaves nothing behind", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "taken");
      await mkdir(join(path, "full"), { recursive: true });
      await assert.rejects(files.writeAtomic(path, Uint8Array.of(1), { mode: 0o600 }), (error) => {
        assert.ok(error instanceof FileError && /^E[A-Z]+$/.test(error.code), String(error));
        return true;
      });
      assert.deepEqual(await readdir(folder), ["taken"]);
    }));

  it("writeAtomic of many at once to one path leaves one of them whole", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "file");
      const contents = Array.from({ length: 20 }, (_, index) => new Uint8Array(10_000).fill(index));
      await Promise.all(contents.map((content) => files.writeAtomic(path, content, { mode: 0o600 })));
      const found = await files.read(path);
      assert.deepEqual(found, contents[found?.[0] ?? 0]);
      assert.deepEqual(await readdir(folder), ["file"]);
    }));

  it("remove takes a file away and takes none for no error", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "file");
      await files.writeAtomic(path, Uint8Array.of(1), { mode: 0o600 });
      await files.remove(path);
      await files.remove(path);
      assert.equal(await files.read(path), undefined);
      await assert.rejects(files.remove(folder), FileError);
    }));
});

describe("FileSystem.watch", () => {
  it("watch tells writes in place, replacements by rename, removal and return", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "file");
      await writeFile(path, "0");
      await withWatch(path, async (change) => {
        await change(() => writeFile(path, "01"));
        await change(() => files.writeAtomic(path, Uint8Array.of(1), { mode: 0o600 }));
        await change(() => files.writeAtomic(path, Uint8Array.of(2), { mode: 0o600 }));
        await change(() => rm(path));
        await change(() => writeFile(path, "new"));
      });
    }));

  it("watch tells the swaps of ..data by which the kubelet updates a volume", () =>
    withTempFolder(async (folder) => {
      const version = async (name: string): Promise<void> => {
        await mkdir(join(folder, name));
        await writeFile(join(folder, name, "token"), name);
        await symlink(name, join(folder, "..data_tmp"));
        await rename(join(folder, "..data_tmp"), join(folder, "..data"));
      };
      await version("..1");
      await symlink("..data/token", join(folder, "token"));
      await withWatch(join(folder, "token"), async (change) => {
        await change(() => version("..2"));
        await change(() => version("..3"));
      });
    }));

  it("watch tells a change at the far end of a link, and a file whose folder comes later", () =>
    withTempFolder(async (folder) => {
      await mkdir(join(folder, "far"));
      await writeFile(join(folder, "far/file"), "0");
      await mkdir(join(folder, "near"));
      await symlink(join(folder, "far/file"), join(folder, "near/file"));
      await Promise.all([
        withWatch(join(folder, "near/file"), (change) => change(() => writeFile(join(folder, "far/file"), "01"))),
        withWatch(
          join(folder, "later/file"),
          (change) => change(() => files.writeAtomic(join(folder, "later/file"), Uint8Array.of(1), { mode: 0o600 })),
        ),
      ]);
    }));

  it("watch is silent about other files, and after its signal", () =>
    withTempFolder(async (folder) => {
      const path = join(folder, "file");
      await writeFile(path, "0");
      const controller = new AbortController();
      let calls = 0;
      files.watch(path, () => calls++, controller.signal);
      await withWatch(join(folder, "other"), async (change) => {
        await change(() => writeFile(join(folder, "other"), "1"));
        assert.equal(calls, 0);
        controller.abort();
        await change(() => rm(join(folder, "other")));
        await writeFile(path, "01");
        await change(() => writeFile(join(folder, "other"), "2"));
      });
      assert.equal(calls, 0);
    }));
});

type Change = (make: () => Promise<void>) => Promise<void>;

/** `change` makes a change and waits until it has been told. */
async function withWatch(path: string, run: (change: Change) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  let told: () => void = () => undefined;
  files.watch(path, () => told(), controller.signal);
  const change: Change = async (make) => {
    const changed = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`No change of ${path} was told`)), CHANGE_MS_MAX);
      told = (): void => {
        clearTimeout(late);
        resolve();
      };
    });
    await make();
    await keepAlive(changed);
  };
  try {
    await run(change);
  } finally {
    controller.abort();
  }
}

function isFileError(path: string, code: string): (error: unknown) => boolean {
  return (error) => error instanceof FileError && error.path === path && error.code === code;
}
