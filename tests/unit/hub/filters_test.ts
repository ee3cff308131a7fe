import assert from "node:assert/strict";
import { test } from "node:test";
import { defineFilter } from "../../../src/filter/filter.ts";
import { Filters } from "../../../src/hub/filters.ts";
import { loneReplica, silentLogger } from "../../testing/lone_replica.ts";

for (const [what, names] of [["a built-in one's", ["masterservice"]], ["one's own", ["mine", "mine"]]] as const) {
  test(`Filters refuses a filter with ${what} name a second time`, () => {
    const own = names.map((name) =>
      defineFilter({ name, components: [], resources: [{ group: "", resource: "pods" }], apply: (pod) => pod })
    );
    const { replica, clock } = loneReplica();
    const around = { replica, clock, logger: silentLogger, nodeName: "node-1", workingMode: "edge" } as const;
    assert.throws(() => new Filters({ own }, around), TypeError);
  });
}
