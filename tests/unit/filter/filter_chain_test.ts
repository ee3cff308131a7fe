import assert from "node:assert/strict";
import { test } from "node:test";
import { defineFilter, type FilterDefinition } from "../../../src/filter/filter.ts";
import type { FilterFailure } from "../../../src/filter/filter_chain.ts";
import { shown } from "../../testing/filtering.ts";

const services = [{ group: "", resource: "services" }];
const filter = (definition: Partial<FilterDefinition>) =>
  defineFilter({ name: "f", components: ["c"], resources: services, apply: (object) => object, ...definition });

const odd =
  '{ "kind":"Service","metadata":{"name":"s\\u0041","annotations":{"big":"x"}},"spec":{"n":12345678901234567890,"list":[1.0,{"a":9007199254740993},2e0]} }\n';

test("FilterChain leaves the bytes of an object that no filter changes", () => {
  assert.equal(shown(odd, { filters: [filter({})] }), odd);
});

test("FilterChain writes what changes, and everything else as it came: digits, spelling, order", () => {
  const changed = filter({ apply: (object) => ({ ...object, added: true, kind: undefined }) });
  assert.equal(
    shown(odd, { filters: [changed] }),
    '{"metadata":{"name":"s\\u0041","annotations":{"big":"x"}},"spec":{"n":12345678901234567890,"list":[1.0,{"a":9007199254740993},2e0]},"added":true}\n',
  );
});

test("FilterChain writes the elements that stay in an array as they came", () => {
  const changed = filter({
    apply: (object) => {
      const spec = object["spec"] as { list: readonly unknown[] }; // as above
      return { ...object, spec: { ...spec, list: spec.list.slice(1) } };
    },
  });
  assert.match(shown(odd, { filters: [changed] }) ?? "", /"list":\[\{"a":9007199254740993\},2e0\]\}/);
});

test("FilterChain asks the filters in their order, each about what the one before made of it", () => {
  const seen: unknown[] = [];
  const step = (name: string) =>
    filter({
      name,
      apply: (object) => {
        seen.push([name, object["step"]]);
        return { ...object, step: name };
      },
    });
  shown("{}", { filters: [step("a"), step("b")] });
  assert.deepEqual(seen, [["a", undefined], ["b", "a"]]);
});

test("FilterChain drops what a filter returns nothing for, and asks no further", () => {
  const never = filter({ apply: () => assert.fail("asked") });
  assert.equal(shown("{}", { filters: [filter({ apply: () => undefined }), never] }), undefined);
});

test("FilterChain does not parse what a filter is not concerned with by its metadata, or does not find mentioned", () => {
  const broken = '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"KUBERNETES_SERVICE_HOS";'; // behind the metadata nothing is read
  const fail = { apply: () => assert.fail("asked") };
  assert.equal(shown(broken, { filters: [filter({ ...fail, concerns: ({ name }) => name !== "a" })] }), broken);
  assert.equal(shown(broken, { filters: [filter({ ...fail, mentions: ["KUBERNETES_SERVICE_HOST"] })] }), broken);
});

for (
  const [what, apply] of [
    ["throws", () => {
      throw new TypeError("no such field");
    }],
    ["changes the object that it was given", (object) => {
      (object["metadata"] as { name: string }).name = "other"; // a fault, planted
      return object;
    }],
  ] satisfies [string, FilterDefinition["apply"]][]
) {
  test(`FilterChain fails, and names the filter and the object, where one ${what}`, () => {
    const failures: FilterFailure[] = [];
    assert.throws(
      () => shown('{"metadata":{"name":"a","namespace":"n"}}', { filters: [filter({ name: "bad", apply })], failures }),
      { name: "StatusError", code: 500, message: "Internal error occurred: The filter bad has failed at n/a" },
    );
    assert.deepEqual(failures.map(({ filter: name, object }) => [name, object]), [["bad", "n/a"]]);
  });
}

for (const name of ["", "A", "a_b", "-a"]) {
  test(`defineFilter refuses the name ${JSON.stringify(name)}`, () => {
    assert.throws(() => filter({ name }), TypeError);
  });
}

test("defineFilter refuses a filter that applies to no resource", () => {
  assert.throws(() => filter({ resources: [] }), TypeError);
});

test("defineFilter: the example of its documentation", () => {
  const cloudIngress = defineFilter({
    name: "cloud-ingress",
    components: ["nginx-ingress-controller"],
    resources: [{ group: "networking.k8s.io", resource: "ingresses" }],
    mentions: ["example.com/cloud-only"],
    apply: (ingress) => {
      const { annotations } = ingress["metadata"] as { annotations?: Record<string, string> };
      return annotations?.["example.com/cloud-only"] === "true" ? undefined : ingress;
    },
  });
  const ingress = (value: string) => ({ metadata: { name: "i", annotations: { "example.com/cloud-only": value } } });
  assert.equal(shown(ingress("true"), { filters: [cloudIngress] }), undefined);
  assert.equal(shown(ingress("false"), { filters: [cloudIngress] }), JSON.stringify(ingress("false")));
});
