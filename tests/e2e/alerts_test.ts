import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { addresses, startHub, withCloud } from "../testing/hub_program.ts";

const file = fileURLToPath(new URL("../../deploy/monitoring/alerts.yaml", import.meta.url));

interface Alerts {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

test("the alerts name metrics that a hub has, and tell somebody what to do", () =>
  withCloud(async (cloud) => {
    const { status } = await addresses(startHub(cloud));
    const text = await (await fetch(`${status}/metrics`)).text();
    const known = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    assert.ok(known.has("holdfast_link_online"), text);
    const { groups } = parse(await readFile(file, "utf8")) as Alerts; // what is no such file fails below
    const rules = groups.flatMap((group) => group.rules);
    assert.ok(rules.length > 10);
    for (const { alert, expr, labels, annotations } of rules) {
      const names = expr.match(/holdfast_[a-z_]+/g) ?? [];
      assert.deepEqual(names.filter((name) => !known.has(name)), [], `${alert} has metrics that are none`);
      assert.match(labels.severity, /^(warning|critical)$/);
      assert.match(annotations.summary, /instance/);
      assert.ok(annotations.description.length > 20, alert);
    }
  }));

test("promtool finds nothing wrong with the alerts", (context) => {
  const { error, status, stdout, stderr } = spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" });
  if (error !== undefined) return context.skip("there is no promtool here (Debian: prometheus)");
  assert.equal(status, 0, stdout + stderr);
});
