import assert from "node:assert/strict";
import { test } from "node:test";
import { serveCallers } from "../testing/callers_scene.ts";
import { mapsPath, seedMap } from "../testing/sample_objects.ts";

const trace = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
};

for (
  const [what, method, path] of [
    ["a read", "GET", `${mapsPath}/a`],
    ["a list", "GET", mapsPath],
    ["a write", "PUT", `${mapsPath}/a`],
    ["a document", "GET", "/version"],
    ["a log", "GET", "/api/v1/namespaces/default/pods/a/log"],
  ] as const
) {
  test(`${what} takes its trace context (W3C traceparent, tracestate) to the cloud unchanged, of the node and of service accounts`, () =>
    serveCallers(async (scene) => {
      seedMap(scene.server, "a");
      const token = await scene.issuer.token();
      const body = method === "PUT" ? { body: { kind: "ConfigMap", metadata: { name: "a" } } } : {};
      await scene.request(method, path, { headers: trace, ...body });
      await scene.ask(token, path, { method, headers: trace, ...body });
      const seen = scene.seen.filter((one) => one.path === path && one.method === method);
      assert.deepEqual(
        seen.map(({ headers }) => [headers.get("traceparent"), headers.get("tracestate")]),
        [[trace.traceparent, trace.tracestate], [trace.traceparent, trace.tracestate]],
      );
    }));
}
