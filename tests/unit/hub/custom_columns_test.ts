import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeScope } from "../../../src/identity/scope.ts";
import { headerOf } from "../../../src/kube/hop_by_hop.ts";
import { parseRequest } from "../../../src/kube/request_info.ts";
import { createMemoryStore } from "../../../src/store/memory_store.ts";
import type { Store } from "../../../src/platform/store.ts";
import { maxColumnsBytes } from "../../../src/hub/ask_for_columns.ts";
import { CustomColumns } from "../../../src/hub/custom_columns.ts";
import { createFakeRandom } from "../../testing/fake_random.ts";
import { createFakeUpstream, type FakeAnswer } from "../../testing/fake_upstream.ts";
import type { FakeClock } from "../../testing/fake_clock.ts";
import { loneReplica } from "../../testing/lone_replica.ts";

const GADGETS = { group: "example.com", version: "v1", resource: "gadgets" };
const GADGETS_INFO = parseRequest("GET", "/apis/example.com/v1/gadgets");
const DEFINITION_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.example.com";
const MINUTE_MS = 60_000;
/** Longer than any wait between two questions. */
const REFRESH_MS = 80 * MINUTE_MS;

interface Definition {
  generation: number;
  /** The names of its columns, by version. */
  versions: Record<string, readonly string[]>;
}

interface Scene {
  readonly columns: CustomColumns;
  readonly clock: FakeClock;
  /** What was asked of the definition: whole, or its metadata. */
  readonly asked: ("definition" | "metadata")[];
  readonly log: string[];
  readonly definition: Definition;
  /** In place of the definition. */
  answer: FakeAnswer | undefined;
  /** Whether the cloud answers. */
  cut(isCut: boolean): Promise<void>;
  /** The node holds a list of gadgets from now on. */
  hold(version?: string): void;
  /** Names of the columns behind the name's, in a version. */
  shown(version?: string): readonly string[] | undefined;
  documents(): number;
  close(): Promise<void>;
}

interface SceneOptions {
  readonly store?: Store;
  readonly clock?: FakeClock;
  readonly online?: boolean;
}

async function make({ store = createMemoryStore(), online = true, ...rest }: SceneOptions = {}): Promise<Scene> {
  const upstream = createFakeUpstream();
  const { replica, clock, link, cloud } = loneReplica({ ...rest, store, upstream });
  const closing = new AbortController();
  const log: string[] = [];
  const definition: Definition = { generation: 1, versions: { v1: ["Size"] } };
  const state: { isCut: boolean; answer: FakeAnswer | undefined } = { isCut: !online, answer: undefined };
  const asked: ("definition" | "metadata")[] = [];
  upstream.answer = ({ rawPath, rawHeaders }) => {
    if (state.isCut) return "refused";
    if (rawPath !== DEFINITION_PATH) return 200;
    const isPartial = headerOf(rawHeaders, "accept")?.includes("PartialObjectMetadata") === true;
    assert.equal(headerOf(rawHeaders, "authorization"), undefined); // as the node
    asked.push(isPartial ? "metadata" : "definition");
    return state.answer ?? { status: 200, body: bodyOf(definition, isPartial) };
  };
  await replica.restore();
  const columns = new CustomColumns({
    cloud,
    link,
    replica,
    platform: { clock, random: createFakeRandom() },
    closed: closing.signal,
    logger: { log: (level, message) => void log.push(`${level}: ${message}`), enabled: () => true },
  });
  await columns.restore();
  await link.start();
  columns.start();
  return {
    columns,
    clock,
    asked,
    log,
    definition,
    get answer() {
      return state.answer;
    },
    set answer(answer) {
      state.answer = answer;
    },
    cut: async (isCut) => {
      state.isCut = isCut;
      link.suspect();
      await clock.advance(30_000);
      assert.equal(link.state, isCut ? "offline" : "online");
    },
    hold: (version = "v1") => {
      const query = { ...GADGETS, version, namespace: "", labelSelector: "", fieldSelector: "" };
      const head = { apiVersion: `example.com/${version}`, kind: "Gadget", listKind: "GadgetList" };
      replica.listed(nodeScope, query, { ...head, resourceVersion: "7", items: [] });
    },
    shown: (version = "v1") => columns.printerOf({ ...GADGETS, version })?.columns.slice(1).map(({ name }) => name),
    documents: () => replica.documents.size,
    close: async () => {
      closing.abort();
      await columns.close();
      link.close();
      await replica.close();
      assert.equal(clock.pending, 0);
    },
  };
}

function bodyOf({ generation, versions }: Definition, isPartial: boolean): string {
  const column = (name: string) => ({ name, type: "string", jsonPath: ".spec.size" });
  return JSON.stringify({
    metadata: { name: "gadgets.example.com", uid: "u1", generation },
    ...(isPartial ? {} : {
      spec: {
        versions: Object.entries(versions).map(([name, columns]) => ({
          name,
          additionalPrinterColumns: columns.map(column),
        })),
      },
    }),
  });
}

async function withScene(run: (scene: Scene) => Promise<void>, options: SceneOptions = {}): Promise<void> {
  const scene = await make(options);
  try {
    await run(scene);
  } finally {
    await scene.close();
  }
}

test("CustomColumns asks for nothing before a custom resource is held", () =>
  withScene(async ({ columns, clock, asked, shown }) => {
    columns.noted(GADGETS_INFO);
    await clock.advance(5 * MINUTE_MS);
    assert.deepEqual([asked, shown()], [[], undefined]);
  }));

test("CustomColumns learns the columns a moment after the resource was asked for, once", () =>
  withScene(async ({ columns, clock, asked, shown, hold, documents }) => {
    await clock.advance(10_000);
    columns.noted(GADGETS_INFO);
    hold();
    await clock.advance(1_000);
    assert.deepEqual([asked, shown(), documents()], [["definition"], ["Size"], 1]);
    for (let count = 0; count < 30; count++) {
      columns.noted(GADGETS_INFO);
      await clock.advance(MINUTE_MS);
    }
    assert.deepEqual(asked, ["definition"]);
    assert.equal(columns.problem, undefined);
  }));

test("CustomColumns looks for what is held every minute, whoever has asked for it", () =>
  withScene(async ({ clock, shown, hold }) => {
    await clock.advance(10_000);
    hold();
    await clock.advance(MINUTE_MS);
    assert.deepEqual(shown(), ["Size"]);
  }));

test("CustomColumns shows another version by its own columns, and one that the definition lacks not at all", () =>
  withScene(async ({ clock, shown, hold, definition }) => {
    definition.versions = { v1: ["Size"], v2: [] };
    hold();
    await clock.advance(MINUTE_MS);
    assert.deepEqual([shown("v1"), shown("v2"), shown("v3")], [["Size"], ["Age"], undefined]);
    assert.equal(shown("constructor"), undefined);
  }));

test("CustomColumns knows them after a restart while the link is cut", async () => {
  const store = createMemoryStore();
  let clock: FakeClock | undefined;
  await withScene(async (scene) => {
    scene.hold();
    await scene.clock.advance(MINUTE_MS);
    clock = scene.clock;
  }, { store });
  assert.ok(clock !== undefined);
  await withScene(async ({ shown, asked }) => {
    assert.deepEqual(shown(), ["Size"]);
    await clock?.advance(REFRESH_MS);
    assert.deepEqual([shown(), asked], [["Size"], []]);
  }, { store, clock, online: false });
});

test("CustomColumns asks for the metadata alone while the definition stays the same", () =>
  withScene(async ({ clock, shown, hold, asked, definition }) => {
    hold();
    await clock.advance(MINUTE_MS);
    await clock.advance(REFRESH_MS);
    assert.deepEqual(asked, ["definition", "metadata"]);
    definition.generation = 2;
    definition.versions = { v1: ["Weight"] };
    await clock.advance(REFRESH_MS);
    assert.deepEqual(asked, ["definition", "metadata", "metadata", "definition"]);
    assert.deepEqual(shown(), ["Weight"]);
  }));

test("CustomColumns asks again soon for a version that the definition did not have", () =>
  withScene(async ({ clock, shown, hold, asked, definition }) => {
    hold();
    await clock.advance(MINUTE_MS);
    hold("v2");
    definition.generation = 2;
    definition.versions = { v1: ["Size"], v2: ["Weight"] };
    await clock.advance(20 * MINUTE_MS);
    assert.deepEqual(asked, ["definition", "metadata", "definition"]);
    assert.deepEqual(shown("v2"), ["Weight"]);
  }));

test("CustomColumns says once that the node may not get definitions, and learns when it may", () =>
  withScene(async (scene) => {
    const { columns, clock, shown, hold, asked, log } = scene;
    scene.answer = 403;
    hold();
    await clock.advance(MINUTE_MS);
    assert.match(columns.problem ?? "", /may not get customresourcedefinitions, .* of gadgets\.example\.com$/);
    await clock.advance(30 * MINUTE_MS);
    assert.ok(asked.length > 1 && asked.length < 5, `asked ${asked.length} times`);
    assert.deepEqual(log.filter((line) => line.startsWith("warn")), ["warn: Columns of custom resources are off"]);
    assert.equal(shown(), undefined);
    scene.answer = undefined;
    await clock.advance(20 * MINUTE_MS);
    assert.deepEqual([shown(), columns.problem], [["Size"], undefined]);
  }));

test("CustomColumns keeps what it knows when the right is taken away", () =>
  withScene(async (scene) => {
    scene.hold();
    await scene.clock.advance(MINUTE_MS);
    scene.answer = 403;
    await scene.clock.advance(REFRESH_MS);
    assert.deepEqual([scene.shown(), scene.documents()], [["Size"], 1]);
    assert.notEqual(scene.columns.problem, undefined);
  }));

test("CustomColumns forgets a definition that has gone, and what is no definition is no problem", () =>
  withScene(async (scene) => {
    scene.hold();
    await scene.clock.advance(MINUTE_MS);
    scene.answer = 404;
    await scene.clock.advance(REFRESH_MS);
    assert.deepEqual([scene.shown(), scene.documents(), scene.columns.problem], [undefined, 0, undefined]);
  }));

describe("CustomColumns goes on without, and does not ask at once again, where the answer is", () => {
  const long = bodyOf({ generation: 1, versions: { v1: Array.from({ length: 2_000 }, () => "a".repeat(99)) } }, false);
  assert.ok(long.length > maxColumnsBytes);
  for (
    const [what, answer] of [
      ["no definition", { status: 200, body: "{}" }],
      ["no JSON", { status: 200, body: "<html>" }],
      ["too long", { status: 200, body: long }],
      ["an error", 500],
    ] as const
  ) {
    test(what, () =>
      withScene(async (scene) => {
        scene.answer = answer;
        scene.hold();
        await scene.clock.advance(5 * MINUTE_MS);
        assert.deepEqual([scene.asked, scene.shown(), scene.documents()], [["definition"], undefined, 0]);
        scene.answer = undefined;
        await scene.clock.advance(REFRESH_MS);
        assert.deepEqual(scene.shown(), ["Size"]);
      }));
  }
});

test("CustomColumns learns as soon as the link is back what it could not while it was cut", () =>
  withScene(async ({ cut, hold, clock, asked, shown }) => {
    await cut(true);
    hold();
    await clock.advance(5 * MINUTE_MS);
    assert.deepEqual(asked, []);
    await cut(false);
    assert.deepEqual(shown(), ["Size"]);
  }));
