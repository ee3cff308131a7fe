import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openStore } from "../../adapters/shared/store.ts";
import { isFailure, storeError } from "../../adapters/shared/store_failure.ts";
import { QUEUED_BATCHES_MAX, QUEUED_BYTES_MAX } from "../../adapters/shared/store_writer.ts";
import type { StoreFailure } from "../../src/platform/store.ts";
import { runtime, startProgram } from "../testing/child_program.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { keysOf } from "./store_contract.ts";

/** The ten seconds, shortened; `HOLDFAST_TEST_COMMIT_MS=10000` gives them in full. */
const SLOW_COMMIT_MS = Number(process.env["HOLDFAST_TEST_COMMIT_MS"] ?? 1_500);
const TIMER_GAP_MS_MAX = 250;

describe("openStore", () => {
  it("openStore keeps the rows from one opening to the next", () =>
    withStorePath(async (path) => {
      const first = await openStore({ path, durability: "full" });
      await first.commit({ put: [["key", bytes("value")]] });
      await first.close();
      const second = await openStore({ path, durability: "normal" });
      assert.deepEqual(await second.get("key"), bytes("value"));
      await second.close();
    }));

  it("openStore makes its folder and files for the owner alone", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path: join(path, "deeper/store.db"), durability: "normal" });
      await store.commit({ put: [["key", bytes("value")]] });
      assert.equal(statSync(path).mode & 0o777, 0o700);
      const modes = readdirSync(join(path, "deeper")).map((name) => statSync(join(path, "deeper", name)).mode & 0o777);
      assert.ok(modes.length >= 4);
      assert.deepEqual(new Set(modes), new Set([0o600]));
      await store.close();
    }));

  it("openStore refuses a file of garbage as corrupt", () =>
    withStorePath(async (path) => {
      await writeFile(path, "garbage ".repeat(4_000));
      await assert.rejects(openStore({ path, durability: "normal" }), failure("corrupt"));
      await assert.rejects(openStore({ path, durability: "normal", readOnly: true }), failure("corrupt"));
    }));

  it("openStore refuses a file that was cut off, or fails as corrupt at the first read of what is missing", () =>
    withStorePath(async (path) => {
      await fill(path);
      const file = await open(path, "r+");
      await file.truncate(64 * 1024);
      await file.close();
      await assert.rejects(readAll(path), failure("corrupt"));
    }));

  it("get, list and commit fail as corrupt on a damaged page", () =>
    withStorePath(async (path) => {
      await fill(path);
      const file = await open(path, "r+");
      await file.write(Buffer.alloc(200 * 1024, "x"), 0, undefined, 40 * 1024);
      await file.close();
      await assert.rejects(readAll(path), failure("corrupt"));
      const store = await openStore({ path, durability: "normal" });
      await assert.rejects(store.commit({ removePrefix: [""] }), failure("corrupt"));
      await store.close();
    }));

  it("openStore refuses the format of a later version and names it", () =>
    withStorePath(async (path) => {
      await fill(path);
      change(path, "PRAGMA user_version = 7");
      await assert.rejects(openStore({ path, durability: "normal" }), /format 7/);
    }));

  it("openStore refuses the database of another program and leaves it alone", () =>
    withStorePath(async (path) => {
      change(path, "CREATE TABLE things (name TEXT)");
      await assert.rejects(openStore({ path, durability: "normal" }), /another program/);
      change(path, "INSERT INTO things VALUES ('still here')");
    }));

  it("openStore fails where the file cannot be made", () =>
    withStorePath(async (path) => {
      await writeFile(path, "");
      await assert.rejects(openStore({ path: join(path, "store.db"), durability: "normal" }), failure("failed"));
      const readOnly = { path: `${path}.missing`, durability: "normal", readOnly: true } as const;
      await assert.rejects(openStore(readOnly), failure("failed"));
    }));

  it("storeError calls a full disk full", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("CREATE TABLE t (value BLOB); PRAGMA max_page_count = 3");
    const insert = (): unknown => database.prepare("INSERT INTO t VALUES (?)").run(new Uint8Array(50_000));
    const insertByExec = (): unknown => database.exec("INSERT INTO t VALUES (zeroblob(50000))");
    for (const attempt of [insert, insertByExec]) {
      assert.throws(attempt, (error) => isFailure(storeError("Cannot commit", error), "full"));
    }
    database.close();
    assert.equal(storeError("x", Object.assign(new Error("write"), { code: "ENOSPC" })).failure, "full");
  });
});

describe("openStore beside another writer", () => {
  it("openStore refuses a second writer of the same process as locked", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path, durability: "normal" });
      await assert.rejects(openStore({ path, durability: "normal" }), failure("locked"));
      await store.close();
      await (await openStore({ path, durability: "normal" })).close();
    }));

  it("openStore refuses a second writing process as locked, until that is killed, and lets readers in", () =>
    withStorePath(async (path) => {
      const other = startProgram(new URL("../testing/store_hold_program.ts", import.meta.url), [path]);
      await other.waitFor("held");
      await assert.rejects(openStore({ path, durability: "normal" }), failure("locked"));
      const reader = await openStore({ path, durability: "normal", readOnly: true });
      assert.deepEqual(await reader.get("key"), bytes("of the other process"));
      await assert.rejects(reader.commit({ remove: ["key"] }), failure("failed"));
      await reader.close();
      other.kill("SIGKILL");
      await other.ended;
      await (await openStore({ path, durability: "normal" })).close();
    }));

  it("openStore for reading alone leaves nothing beside the file", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path, durability: "normal" });
      await store.commit({ put: [["key", bytes("kept")]] });
      await store.close();
      const before = readdirSync(dirname(path)).toSorted();
      const reader = await openStore({ path, durability: "normal", readOnly: true, alone: true });
      assert.deepEqual(await reader.get("key"), bytes("kept"));
      await assert.rejects(reader.commit({ remove: ["key"] }), failure("failed"));
      await reader.close();
      assert.deepEqual(readdirSync(dirname(path)).toSorted(), before);
    }));

  it("close ends the worker, so that the process ends by itself", () =>
    withStorePath(async (path) => {
      const program = startProgram(new URL("../testing/store_hold_program.ts", import.meta.url), [path]);
      await program.waitFor("held");
      program.child.stdin?.end();
      assert.deepEqual(await program.ended, { exitCode: 0, stderr: "" });
    }));
});

describe("commit", () => {
  for (const durability of ["full", "normal"]) {
    it(`commit (${durability}) that has resolved survives kill -9, and none is there by half`, () =>
      withStorePath(async (path) => {
        const program = new URL("../testing/store_commit_program.ts", import.meta.url);
        const acknowledged = new Set<string>();
        for (const stopAt of ["\n40\n", "\n300\n"]) {
          const writer = startProgram(program, [path, durability]);
          await writer.waitFor(stopAt);
          writer.kill("SIGKILL");
          await writer.ended;
          for (const number of writer.output().split("\n").slice(0, -1)) acknowledged.add(number);
        }
        assert.ok(acknowledged.size > 300);
        const store = await openStore({ path, durability: "normal" });
        const [a, b, c] = await Promise.all(["a/", "b/", "c/"].map((prefix) => numbersOf(store, prefix)));
        await store.close();
        assert.deepEqual(a, b);
        assert.deepEqual(a, c);
        assert.deepEqual([...acknowledged].filter((number) => a?.has(number) !== true), []);
      }));
  }

  it("commit that takes long delays neither timers nor reads", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path, durability: "normal" });
      await store.commit({ put: [["key", bytes("before")]] });
      // A foreign writer holds the file: SQLite waits for it inside of the worker's COMMIT.
      const holder = new DatabaseSync(path);
      holder.exec("BEGIN IMMEDIATE");
      let committed = false;
      const commit = store.commit({ put: [["key", bytes("after")]] }).then(() => committed = true);
      const release = setTimeout(() => holder.exec("COMMIT"), SLOW_COMMIT_MS);
      const gaps = measureTimerGaps();
      const startMs = performance.now();
      while (performance.now() - startMs < SLOW_COMMIT_MS - 200) {
        assert.deepEqual(await store.get("key"), bytes("before"));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(committed, false);
      await commit;
      clearTimeout(release);
      holder.close();
      assert.deepEqual(await store.get("key"), bytes("after"));
      await store.close();
      const { longestMs, count } = gaps();
      report(`longest gap of a 5 ms timer in ${SLOW_COMMIT_MS} ms: ${longestMs.toFixed(1)} ms (${count} ticks)`);
      assert.ok(longestMs < TIMER_GAP_MS_MAX, `${longestMs} ms`);
    }));

  it("commit of one large batch delays no timer while the worker writes it", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path, durability: "full" });
      const value = new Uint8Array(3_000);
      const put = Array.from({ length: 10_000 }, (_, index) => [`k/${index}`, value] as const);
      const commit = store.commit({ put });
      const gaps = measureTimerGaps();
      const startMs = performance.now();
      await commit;
      const { longestMs } = gaps();
      report(
        `one batch of 10,000 rows: ${(performance.now() - startMs).toFixed(0)} ms, longest gap ${
          longestMs.toFixed(1)
        } ms`,
      );
      await store.close();
      assert.ok(longestMs < TIMER_GAP_MS_MAX, `${longestMs} ms`);
    }));

  it("commit is refused past the queue's bytes and batches, and goes on after it", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path, durability: "normal" });
      const holder = new DatabaseSync(path);
      holder.exec("BEGIN IMMEDIATE");
      const commits = [store.commit({ put: [["first", bytes("")]] })];
      const large = new Uint8Array(QUEUED_BYTES_MAX - 1_000);
      commits.push(store.commit({ put: [["large", large]] }));
      await assert.rejects(
        store.commit({ put: [["more", new Uint8Array(1_000)]] }),
        /1 batches of \d+ bytes are waiting/,
      );
      commits.push(store.commit({ put: [["small", bytes("")]] }));
      holder.exec("COMMIT");
      holder.close();
      await Promise.all(commits);
      assert.deepEqual(await keysOf(store, ""), ["first", "large", "small"]);
      const many = await Promise.allSettled(
        Array.from({ length: QUEUED_BATCHES_MAX + 2 }, () => store.commit({ put: [["k", bytes("")]] })),
      );
      assert.deepEqual(many.map(({ status }) => status).lastIndexOf("rejected"), QUEUED_BATCHES_MAX + 1);
      assert.equal(many.filter(({ status }) => status === "rejected").length, 1);
      await store.close();
    }));

  it("commit that cannot be applied fails alone: what waits beside it is committed", () =>
    withStorePath(async (path) => {
      const store = await openStore({ path, durability: "normal" });
      change(
        path,
        "CREATE TRIGGER refuse BEFORE INSERT ON rows WHEN NEW.key = x'626164' BEGIN SELECT RAISE(ABORT, 'refused'); END",
      );
      const results = await Promise.allSettled([
        store.commit({ put: [["one", bytes("")]] }),
        store.commit({ put: [["two", bytes("")]] }),
        store.commit({ put: [["half", bytes("")], ["bad", bytes("")]], remove: ["one"] }),
        store.commit({ put: [["three", bytes("")]] }),
      ]);
      assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected", "fulfilled"]);
      assert.deepEqual(await keysOf(store, ""), ["one", "three", "two"]);
      await store.close();
    }));
});

describe("the store in a compiled binary", () => {
  it("openStore starts its worker in what bun build --compile made", {
    skip: runtime !== "bun" && "only Bun compiles so",
  }, () =>
    withStorePath(async (path) => {
      const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
      const program = `${path}-program`;
      // The root must be the worker's folder: it is looked for beside the program's own, invented path.
      execFileSync(process.execPath, [
        ...["build", "--compile", "--root", file("../../adapters/shared"), "--outfile", program],
        ...[file("../testing/store_binary_program.ts"), file("../../adapters/shared/store_worker.ts")],
      ], { stdio: "pipe" });
      assert.equal(execFileSync(program, [path], { encoding: "utf8" }), "written by the worker");
    }));
});

function withStorePath(run: (path: string) => Promise<void>): Promise<void> {
  return withTempFolder((folder) => run(join(folder, "store.db")));
}

function failure(expected: StoreFailure): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isFailure(error, expected), String(error));
    return true;
  };
}

async function fill(path: string): Promise<void> {
  const store = await openStore({ path, durability: "normal" });
  const value = new Uint8Array(3_000).fill(1);
  await store.commit({ put: Array.from({ length: 300 }, (_, index) => [`key/${index}`, value] as const) });
  await store.close();
}

async function readAll(path: string): Promise<void> {
  const store = await openStore({ path, durability: "normal" });
  try {
    await keysOf(store, "");
  } finally {
    await store.close();
  }
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

async function numbersOf(store: Parameters<typeof keysOf>[0], prefix: string): Promise<Set<string>> {
  return new Set((await keysOf(store, prefix)).map((key) => key.slice(prefix.length)));
}

function measureTimerGaps(): () => { readonly longestMs: number; readonly count: number } {
  let lastMs = performance.now();
  let longestMs = 0;
  let count = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    count++;
  }, 5);
  return () => {
    clearInterval(timer);
    assert.ok(count > 0);
    return { longestMs, count };
  };
}

function report(figure: string): void {
  if (process.env["HOLDFAST_TEST_FIGURES"] !== undefined) process.stderr.write(`${runtime}: ${figure}\n`);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
