import assert from "node:assert/strict";
import { test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { writeObjects, type WriteObjectsOptions } from "../../../src/replica/object_writer.ts";
import { MissingRowError } from "../../../src/replica/object_rows.ts";
import { type Deferred, deferred } from "../../testing/deferred.ts";
import { mapBytes } from "../../testing/json_objects.ts";
import { loneRows } from "../../testing/lone_rows.ts";

/** Writes the objects `a`, `b`, `c` and `d`. */
function scene(options: Partial<WriteObjectsOptions> & { readonly memoryMaxBytes?: number } = {}) {
  const { memoryMaxBytes = 1_000_000, ...given } = options;
  const { rows, batch, store } = loneRows({ memoryMaxBytes });
  const objects = ["a", "b", "c", "d"].map((name) => {
    const bytes = mapBytes(name, 1);
    const path = { group: "", version: "v1", resource: "configmaps", namespace: "default", name };
    return rows.add(path, { meta: readObjectMeta(bytes), bytes });
  });
  const written: string[] = [];
  const slow: { room?: Deferred<void> } = {};
  const writer = { gone: false };
  const write = () =>
    writeObjects(writer, {
      objects,
      rows,
      write: (_bytes, { meta }) => {
        written.push(meta.name);
        return slow.room?.promise;
      },
      ...given,
    });
  return { rows, batch, store, objects, written, slow, writer, write };
}

test("writeObjects writes what is in memory in one go, in order", () => {
  const { written, write } = scene();
  void write();
  assert.deepEqual(written, ["a", "b", "c", "d"]);
});

test("writeObjects waits for room, and goes on where it was", async () => {
  const { written, slow, write } = scene();
  const room = deferred<void>();
  slow.room = room;
  const done = write();
  assert.deepEqual(written, ["a"]);
  delete slow.room;
  room.resolve();
  await done;
  assert.deepEqual(written, ["a", "b", "c", "d"]);
});

test("writeObjects reads from the store what is not in memory, in order", async () => {
  const { batch, store, written, write } = scene({ memoryMaxBytes: 0 });
  await batch.flush();
  await write();
  assert.deepEqual([written, store.reads.length], [["a", "b", "c", "d"], 4]);
});

for (const how of ["at once", "later"]) {
  test(`writeObjects leaves out what is not seen, told ${how}`, async () => {
    const { written, write } = scene({
      sees: ({ meta }) => how === "at once" ? meta.name > "b" : Promise.resolve(meta.name > "b"),
    });
    await write();
    assert.deepEqual(written, ["c", "d"]);
  });
}

test("writeObjects ends where the reader has gone", async () => {
  const { written, slow, writer, write } = scene();
  const room = deferred<void>();
  slow.room = room;
  const done = write();
  writer.gone = true;
  room.resolve();
  await done;
  assert.deepEqual(written, ["a"]);
});

test("writeObjects rejects where an object cannot be read", async () => {
  const { batch, store, objects, written, write } = scene({ memoryMaxBytes: 0 });
  await batch.flush();
  await store.commit({ remove: [objects[1]?.row ?? ""] });
  await assert.rejects(write(), MissingRowError);
  assert.deepEqual(written, ["a"]);
});
