import assert from "node:assert/strict";
import { test } from "node:test";
import { readObjectMeta } from "../../../src/kube/object_meta.ts";
import { EventLog, type LogEvent } from "../../../src/replica/event_log.ts";
import { mapBytes } from "../../testing/json_objects.ts";
import { eventsFrom } from "../../testing/log_events.ts";

const dropped = (): void => undefined;

function event(version: number, length = 1): LogEvent {
  const meta = readObjectMeta(mapBytes("a", version));
  return { type: "ADDED", held: { meta, row: `row ${version}`, length }, resourceVersion: String(version) };
}

function filled(start: string, versions: readonly number[], limits = { maxEvents: 3, maxBytes: 1_000 }): EventLog {
  const log = new EventLog(start, { ...limits, dropped });
  for (const version of versions) log.append(event(version));
  return log;
}

const versions = (events: readonly LogEvent[] | undefined) => events?.map(({ resourceVersion }) => resourceVersion);

for (
  const [after, want] of [
    ["9", undefined],
    ["10", ["12", "15", "20"]],
    ["11", ["12", "15", "20"]],
    ["12", ["15", "20"]],
    ["14", ["15", "20"]],
    ["20", []],
    ["21", []],
  ] as const
) {
  test(`EventLog.after gives what is above ${after}, or nothing where it does not reach back`, () => {
    const log = filled("10", [12, 15, 20]);
    const cursor = log.after(after);
    assert.deepEqual(cursor === undefined ? undefined : versions(eventsFrom(log, cursor)), want);
  });
}

test("EventLog compares versions as numbers", () => {
  const log = filled("9", [10, 99, 100]);
  assert.deepEqual(versions(eventsFrom(log, log.after("99") ?? -1)), ["100"]);
});

test("EventLog.after takes versions of more than 53 bits apart", () => {
  const log = new EventLog("9007199254740992", { maxEvents: 3, maxBytes: 100, dropped });
  log.append({ ...event(0), resourceVersion: "9007199254740993" });
  assert.equal(eventsFrom(log, log.after("9007199254740992") ?? -1)?.length, 1);
  assert.equal(log.after("9007199254740991"), undefined);
});

test("EventLog drops the oldest past its number, and tells by cursor and by version", () => {
  const log = filled("10", [11, 12, 13]);
  const first = log.after("10");
  const second = log.after("11");
  log.append(event(14));
  assert.equal(eventsFrom(log, first ?? -1), undefined);
  assert.equal(log.after("10"), undefined);
  assert.deepEqual(versions(eventsFrom(log, second ?? -1)), ["12", "13", "14"]);
  assert.equal(log.after("11"), second);
});

test("EventLog drops the oldest past its bytes, even the only one", () => {
  const log = new EventLog("10", { maxEvents: 100, maxBytes: 10, dropped });
  log.append(event(11, 6));
  log.append(event(12, 6));
  assert.equal(log.after("10"), undefined);
  assert.deepEqual(versions(eventsFrom(log, log.after("11") ?? -1)), ["12"]);
  const cursor = log.end;
  log.append(event(13, 11));
  assert.equal(eventsFrom(log, cursor), undefined);
  assert.deepEqual(eventsFrom(log, log.end), []);
  log.append(event(14, 10));
  assert.deepEqual(versions(eventsFrom(log, log.after("13") ?? -1)), ["14"]);
});

test("EventLog.at gives the event at a cursor, nothing at the end and nothing that is gone", () => {
  const log = filled("10", [11, 12, 13]);
  const cursor = log.after("10") ?? -1;
  assert.deepEqual([0, 2].map((ahead) => log.at(cursor + ahead)?.resourceVersion), ["11", "13"]);
  assert.equal(log.at(log.end), undefined);
  log.append(event(14));
  assert.deepEqual([log.at(cursor), log.at(cursor + 1)?.resourceVersion], [undefined, "12"]);
});

test("EventLog tells what is gone one by one, and gives the same cursors, however many have gone", () => {
  const gone: string[] = [];
  const log = new EventLog("10", {
    maxEvents: 3,
    maxBytes: 1_000,
    dropped: ({ resourceVersion }) => void gone.push(resourceVersion),
  });
  const begin = log.after("10") ?? -1;
  for (let version = 11; version < 1_011; version++) {
    log.append(event(version));
    const newest = begin + version - 11;
    assert.deepEqual([log.end, log.at(newest)?.resourceVersion], [newest + 1, String(version)]);
    assert.equal(log.after(String(version - 1)), newest);
    assert.equal(log.at(newest - 3), undefined);
    assert.equal(gone.length, Math.max(0, version - 13));
  }
  assert.deepEqual(versions(eventsFrom(log, log.end - 3)), ["1008", "1009", "1010"]);
  assert.equal(eventsFrom(log, log.end - 4), undefined);
});

test("EventLog.reset loses all cursors, that of its end too", () => {
  const log = filled("10", [11]);
  const end = log.end;
  log.reset("5");
  assert.equal(eventsFrom(log, end), undefined);
  assert.deepEqual(eventsFrom(log, log.end), []);
  assert.equal(log.after("4"), undefined);
  assert.equal(log.after("5"), log.end);
});

test("EventLog tells of each event that leaves it, once and in order", () => {
  const gone: string[] = [];
  const log = new EventLog("10", {
    maxEvents: 2,
    maxBytes: 10,
    dropped: (left) => void gone.push(left.resourceVersion),
  });
  for (const version of [11, 12, 13]) log.append(event(version));
  assert.deepEqual(gone, ["11"]);
  log.append(event(14, 11));
  assert.deepEqual(gone, ["11", "12", "13", "14"]);
  log.append(event(15));
  log.reset("20");
  assert.deepEqual(gone.slice(4), ["15"]);
});

test("R7: EventLog.after tells nothing of a position between a list and the state before it, also where no event follows", () => {
  const log = filled("10", [12]);
  log.relisted("12", "30");
  log.append(event(15));
  const [inside, atItsEnds] = [["13", "15", "29"], ["12", "30"]];
  assert.deepEqual(inside.map((version) => log.after(version)), [undefined, undefined, undefined]);
  assert.deepEqual(atItsEnds.map((version) => versions(eventsFrom(log, log.after(version) ?? -1))), [["15"], []]);
});
