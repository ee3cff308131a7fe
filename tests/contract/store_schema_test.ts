import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { chmod, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openStore } from "../../adapters/shared/store.ts";
import { openDatabase } from "../../adapters/shared/store_database.ts";
import { isFailure } from "../../adapters/shared/store_failure.ts";
import { SCHEMA_STEPS } from "../../adapters/shared/store_schema.ts";
import type { Store } from "../../src/platform/store.ts";
import { startProgram } from "../testing/child_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { keysOf } from "./store_contract.ts";

const normal = "normal" as const;

describe("openStore and formats", () => {
  it("openStore takes over a store from before formats were counted, with its rows", () =>
    withStorePath(async (path) => {
      await fill(path, ["a", "b"]);
      change(path, "PRAGMA user_version = 0; PRAGMA application_id = 0");
      await refused({ path, readOnly: true }, /older format; the hub of this version brings it to format 1/);
      assert.deepEqual(await readAll(path), ["a", "b"]);
      assert.deepEqual(formatOf(path), [SCHEMA_STEPS.length, 0x486f6c64]);
      const reader = await openStore({ path, durability: normal, readOnly: true });
      assert.deepEqual(await keysOf(reader, ""), ["a", "b"]);
      await reader.close();
    }));

  it("openDatabase takes the steps that are missing, in order, from an older format and from nothing", () =>
    withStorePath(async (path) => {
      const steps = [
        ...SCHEMA_STEPS,
        "CREATE TABLE steps (name TEXT); INSERT INTO steps VALUES ('two')",
        "INSERT INTO steps VALUES ('three')",
      ];
      await fill(path, ["kept"]);
      for (const each of [path, `${path}.new`]) {
        openDatabase({ path: each, durability: normal }, steps).close();
        const database = new DatabaseSync(each);
        assert.deepEqual(database.prepare("SELECT name FROM steps").all().map(({ name }) => name), ["two", "three"]);
        database.close();
        assert.deepEqual(formatOf(each), [3, 0x486f6c64]);
      }
      openDatabase({ path, durability: normal }, steps).close();
      assert.equal(count(path, "steps"), 2);
      assert.equal(count(path, "rows"), 1);
    }));

  it("openDatabase changes nothing where one of the steps fails, and names it", () =>
    withStorePath(async (path) => {
      const steps = [...SCHEMA_STEPS, "CREATE TABLE two (x); DELETE FROM rows", "CREATE TABLE rows (x)"];
      await fill(path, ["kept"]);
      const opening = (): unknown => openDatabase({ path, durability: normal }, steps);
      assert.throws(opening, /from format 2 to 3; it is as it was: .*already exists/);
      assert.equal(formatOf(path)[0], 1);
      assert.throws(() => count(path, "two"), /no such table/);
      assert.deepEqual(await readAll(path), ["kept"]);
    }));

  it("openStore refuses a newer format, says what to do, and changes nothing", () =>
    withStorePath(async (path) => {
      await fill(path, ["a"]);
      change(path, "PRAGMA user_version = 7");
      await unchanged(path, async () => {
        const message = /format 7 is newer than 1, .* use the version that wrote it, or move the file away/;
        await refused({ path }, message);
        await refused({ path, readOnly: true }, message);
      });
    }));

  for (const sql of ["CREATE TABLE things (name TEXT)", "PRAGMA application_id = 5", "PRAGMA user_version = 3"]) {
    it(`openStore refuses another program's database (${sql}) and changes nothing`, () =>
      withStorePath(async (path) => {
        change(path, `CREATE TABLE rows (key TEXT); ${sql}`);
        await chmod(path, 0o640);
        await unchanged(path, async () => {
          await refused({ path }, /another program; choose another folder, or move the file away/);
          await refused({ path, readOnly: true }, /another program/);
        });
      }));
  }

  it("openStore goes on where a crash ended the making of the file", () =>
    withStorePath(async (path) => {
      change(path, "PRAGMA journal_mode = WAL");
      assert.ok(statSync(path).size > 0);
      await fill(path, ["a"]);
      assert.deepEqual(await readAll(path), ["a"]);
    }));
});

describe("openStore for reading", () => {
  it("openStore for reading gives the state of its opening, whatever is written meanwhile", () =>
    withStorePath(async (path) => {
      const writer = await openStore({ path, durability: normal });
      await writer.commit({ put: [["a", bytes("1")], ["b", bytes("1")]] });
      const reader = await openStore({ path, durability: normal, readOnly: true });
      await writer.commit({ put: [["a", bytes("2")], ["c", bytes("2")]], remove: ["b"] });
      assert.deepEqual([await keysOf(reader, ""), await reader.get("a")], [["a", "b"], bytes("1")]);
      await reader.close();
      await writer.close();
      assert.deepEqual(await readAll(path), ["a", "c"]);
    }));

  it("openStore for reading finds what a killed writer has committed, and makes nothing where there is no file", () =>
    withStorePath(async (path) => {
      const other = startProgram(new URL("../testing/store_hold_program.ts", import.meta.url), [path]);
      await other.waitFor("held");
      other.kill("SIGKILL");
      await other.ended;
      assert.ok(statSync(`${path}-wal`).size > 0);
      const reader = await openStore({ path, durability: normal, readOnly: true });
      assert.deepEqual(await reader.get("key"), bytes("of the other process"));
      await reader.close();
      await refused({ path: `${path}.missing`, readOnly: true }, /Cannot open/);
      assert.equal(existsSync(`${path}.missing`), false);
    }));
});

describe("openStore and damage", () => {
  it("openStore that sets aside begins empty and keeps the newest damaged file, whole", () =>
    withStorePath(async (path) => {
      for (const text of ["first garbage ", "second garbage "]) {
        await writeFile(path, text.repeat(1_000));
        await writeFile(`${path}-wal`, "its log");
        const store = await openStore({ path, durability: normal, setAside: true });
        assert.deepEqual(await keysOf(store, ""), []);
        await store.commit({ put: [["a", bytes("1")]] });
        await store.close();
        assert.equal(readFileSync(`${path}.damaged`, "utf8"), text.repeat(1_000));
        assert.equal(readFileSync(`${path}.damaged-wal`, "utf8"), "its log");
      }
      assert.deepEqual(await readAll(path), ["a"]);
    }));

  it("openStore refuses as corrupt what a commit has found malformed, until it is set aside", () =>
    withStorePath(async (path) => {
      await fill(path, Array.from({ length: 300 }, (_, index) => `key/${index}`));
      const file = await open(path, "r+");
      await file.write(new Uint8Array(200 * 1024).fill(0x78), 0, undefined, 40 * 1024);
      await file.close();
      const store = await openStore({ path, durability: normal });
      await assert.rejects(store.commit({ removePrefix: [""] }), (error) => isFailure(error, "corrupt"));
      await store.close();
      const again = openStore({ path, durability: normal });
      await assert.rejects(again, (error) => isFailure(error, "corrupt") && /malformed/.test(String(error)));
      await fill(path, ["a"], { setAside: true });
      assert.deepEqual(await readAll(path), ["a"]);
    }));
});

function withStorePath(run: (path: string) => Promise<void>): Promise<void> {
  return withTempFolder((folder) => run(join(folder, "store.db")));
}

async function fill(path: string, keys: readonly string[], options: { readonly setAside?: boolean } = {}) {
  const store = await openStore({ path, durability: normal, ...options });
  await store.commit({ put: keys.map((key) => [key, new Uint8Array(3_000)]) });
  await store.close();
}

async function readAll(path: string): Promise<string[]> {
  const store: Store = await openStore({ path, durability: normal });
  try {
    return await keysOf(store, "");
  } finally {
    await store.close();
  }
}

async function refused(options: { readonly path: string; readonly readOnly?: boolean }, message: RegExp) {
  await assert.rejects(openStore({ durability: normal, ...options }), (error) => {
    assert.ok(isFailure(error, "failed"), String(error));
    assert.match(String(error), message);
    return true;
  });
}

async function unchanged(path: string, run: () => Promise<void>): Promise<void> {
  const before = [readFileSync(path), statSync(path).mode];
  await run();
  assert.deepEqual([readFileSync(path), statSync(path).mode], before);
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function formatOf(path: string): readonly unknown[] {
  const database = new DatabaseSync(path);
  const [version, id] = ["user_version", "application_id"].map((name) =>
    database.prepare(`PRAGMA ${name}`).get()?.[name]
  );
  database.close();
  return [version, id];
}

function count(path: string, table: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
  } finally {
    database.close();
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
