import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "../../adapters/shared/metrics.ts";
import type { Metrics } from "../../src/platform/metrics.ts";

describe("Metrics", () => {
  it("counter adds up per set of labels, and the same name gives the same one", async () => {
    const metrics = createMetrics();
    const requests = metrics.counter("test_requests_total", "Requests.", ["verb"]);
    requests.add(1, { verb: "get" });
    requests.add(2, { verb: "get" });
    metrics.counter("test_requests_total", "Requests.", ["verb"]).add(5, { verb: 'li"st' });
    assert.equal(await valueOf(metrics, 'test_requests_total{verb="get"}'), 3);
    assert.equal(await valueOf(metrics, 'test_requests_total{verb="li\\"st"}'), 5);
  });

  it("counter without labels is there with 0 before its first event", async () => {
    const metrics = createMetrics();
    metrics.counter("test_cuts_total", "Cuts.");
    assert.equal(await valueOf(metrics, "test_cuts_total"), 0);
  });

  it("counter refuses the same name with other labels, a negative amount and an unknown label", () => {
    const metrics = createMetrics();
    const counter = metrics.counter("test_total", "Test.", ["a"]);
    assert.throws(() => metrics.counter("test_total", "Test.", ["b"]), RangeError);
    assert.throws(() => counter.add(-1, { a: "x" }));
    assert.throws(() => counter.add(1, { b: "x" }));
  });

  it("gauge is read at each scrape and forgets what is gone", async () => {
    const metrics = createMetrics();
    let rows = [{ value: 1, labels: { state: "live" } }, { value: 2, labels: { state: "stale" } }];
    metrics.gauge("test_collections", "Collections.", ["state"], () => rows);
    assert.equal(await valueOf(metrics, 'test_collections{state="stale"}'), 2);
    rows = [{ value: 7, labels: { state: "live" } }];
    assert.equal(await valueOf(metrics, 'test_collections{state="live"}'), 7);
    assert.equal(await valueOf(metrics, 'test_collections{state="stale"}'), undefined);
  });

  it("gauge that cannot be read is missing and counted, and hides no other", async () => {
    const metrics = createMetrics();
    metrics.gauge("test_broken", "Broken.", [], () => {
      throw new Error("broken");
    });
    metrics.gauge("test_whole", "Whole.", [], () => [{ value: 1 }]);
    await metrics.render();
    assert.equal(await valueOf(metrics, "test_broken"), undefined);
    assert.equal(await valueOf(metrics, "test_whole"), 1);
    assert.ok((await valueOf(metrics, "holdfast_metrics_read_failures_total") ?? 0) >= 1);
  });

  it("counted is a counter that is read at each scrape", async () => {
    const metrics = createMetrics();
    let value = 1;
    metrics.counted("test_read_total", "Read.", ["how"], () => [{ value, labels: { how: "so" } }]);
    assert.match((await metrics.render()).text, /# TYPE test_read_total counter\n/);
    value = 3;
    assert.equal(await valueOf(metrics, 'test_read_total{how="so"}'), 3);
  });

  it("render gives the text format with help and type, and the process's own figures", async () => {
    const metrics = createMetrics();
    metrics.counter("test_total", "What it counts.");
    const { contentType, text } = await metrics.render();
    assert.match(contentType, /^text\/plain; version=0\.0\.4/);
    assert.match(text, /# HELP test_total What it counts\.\n# TYPE test_total counter\n/);
    assert.ok((await valueOf(metrics, "process_resident_memory_bytes") ?? 0) > 10_000_000);
    assert.ok((await valueOf(metrics, "process_cpu_seconds_total") ?? 0) > 0);
    const ageSeconds = Date.now() / 1000 - (await valueOf(metrics, "process_start_time_seconds") ?? 0);
    assert.ok(ageSeconds > -2 && ageSeconds < 3_600, `${ageSeconds}`);
    const lagSeconds = await valueOf(metrics, "nodejs_eventloop_lag_seconds") ?? -1;
    assert.ok(lagSeconds >= 0 && lagSeconds < 5, `${lagSeconds}`);
  });

  it("createMetrics makes registries that know nothing of each other", async () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.counter("test_total", "Test.").add(4);
    second.counter("test_total", "Test.", ["other"]);
    assert.equal(await valueOf(first, "test_total"), 4);
    assert.equal(await valueOf(second, "test_total"), undefined);
  });
});

async function valueOf(metrics: Metrics, series: string): Promise<number | undefined> {
  const line = (await metrics.render()).text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
