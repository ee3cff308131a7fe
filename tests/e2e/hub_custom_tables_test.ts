import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../src/platform/exchange.ts";
import { type HubScene, serveHub } from "../testing/hub_scene.ts";

const gadgetsPath = "/apis/example.com/v1/namespaces/default/gadgets";
const definitionPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.example.com";
const table = { headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" } };

const gadget = {
  apiVersion: "example.com/v1",
  kind: "Gadget",
  metadata: { name: "a", namespace: "default", uid: "u1", resourceVersion: "7" },
  spec: { size: 3 },
};
const list = {
  apiVersion: "example.com/v1",
  items: [gadget],
  kind: "GadgetList",
  metadata: { resourceVersion: "9" },
};
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.example.com", uid: "u2", generation: 1 },
  spec: {
    versions: [{ name: "v1", additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }] }],
  },
};
const forbidden = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Forbidden", code: 403 };

/** Runs a test with a cloud that has one gadget, and says to who asks for its definition what is given. */
function serveGadget(answer: () => Response, run: (scene: HubScene) => Promise<void>): Promise<void> {
  const intercept = ({ rawPath }: Exchange): Response | undefined => {
    if (rawPath === gadgetsPath) return Response.json(list);
    return rawPath === definitionPath ? answer() : undefined;
  };
  return serveHub(run, { intercept });
}

async function cellsOf({ request }: HubScene, path: string): Promise<readonly unknown[]> {
  const { status, headers, text } = await request("GET", path, table);
  assert.deepEqual([status, headers.get("x-holdfast-source")], [200, "replica"]);
  // A Table of the hub: what is not there fails the comparison.
  const { columnDefinitions, rows } = JSON.parse(text) as {
    readonly columnDefinitions: readonly { readonly name: string }[];
    readonly rows: readonly { readonly cells: readonly unknown[] }[];
  };
  return [columnDefinitions.map(({ name }) => name), ...rows.map(({ cells }) => cells)];
}

test("a Table of a custom resource has its definition's columns while the link is cut, after a restart too", () =>
  serveGadget(() => Response.json(definition), async (scene) => {
    const { request, clock, until } = scene;
    assert.equal((await request("GET", gadgetsPath)).status, 200);
    await clock.advance(5_000); // by then it has looked at what is held, and asks
    await until(
      async () => (await (await fetch(`${scene.statusOrigin}/v1/status`)).text()).includes(`"documents":{"count":1`),
      20,
    );
    await scene.cut();
    const expected = [["Name", "Size"], ["a", 3]];
    assert.deepEqual(await cellsOf(scene, gadgetsPath), expected);
    assert.deepEqual(await cellsOf(scene, `${gadgetsPath}/a`), expected);
    await scene.restart();
    assert.deepEqual(await cellsOf(scene, gadgetsPath), expected);
  }));

test("a Table of a custom resource has name and age where the node may not get its definition, and /readyz says so", () =>
  serveGadget(() => Response.json(forbidden, { status: 403 }), async (scene) => {
    assert.equal((await scene.request("GET", gadgetsPath)).status, 200);
    const verbose = async () => (await fetch(`${scene.statusOrigin}/readyz?verbose`)).text();
    assert.doesNotMatch(await verbose(), /custom-columns/);
    await scene.clock.advance(5_000); // by then it has looked at what is held, and asks
    await scene.until(async () => /^\[!\]custom-columns off: .*gadgets\.example\.com$/m.test(await verbose()), 20);
    await scene.cut();
    assert.deepEqual(await cellsOf(scene, gadgetsPath), [["Name", "Age"], ["a", null]]);
    assert.equal(scene.log.filter(({ message }) => message === "Columns of custom resources are off").length, 1);
  }));
