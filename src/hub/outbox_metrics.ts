import type { Metrics } from "../platform/metrics.ts";
import type { Outbox } from "../replica/outbox.ts";

/** Declares what is counted of the outbox. */
export function declareOutboxMetrics(outbox: Outbox, metrics: Metrics): void {
  metrics.gauge("holdfast_outbox_entries", "Objects with writes that wait for the cloud", ["kind"], () => {
    const counts = new Map<string, number>([["status", 0], ["create", 0], ["patch", 0]]);
    for (const { kind } of outbox.entries()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return [...counts].map(([kind, value]) => ({ value, labels: { kind } }));
  });
  metrics.gauge("holdfast_outbox_bytes", "Bytes that wait for the cloud", [], () => [{ value: outbox.bytes }]);
  metrics.counted(
    "holdfast_outbox_refused_total",
    "Writes that were refused for want of room",
    [],
    () => [{ value: outbox.refused }],
  );
  metrics.counted(
    "holdfast_outbox_settled_total",
    "Objects whose writes have ended, by how",
    ["how"],
    () => [...outbox.counts].map(([how, value]) => ({ value, labels: { how } })),
  );
  metrics.gauge("holdfast_outbox_failed", "Whether the outbox cannot be written", [], () => [
    { value: outbox.failure === undefined ? 0 : 1 },
  ]);
}
