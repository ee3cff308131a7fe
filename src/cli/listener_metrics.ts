import type { ListenerCounts } from "../platform/listener.ts";
import type { Metrics, MetricValue } from "../platform/metrics.ts";

/** What is told of the connections of each port. */
export function declareListenerMetrics(
  metrics: Metrics,
  ports: Readonly<Record<string, { readonly counts: ListenerCounts }>>,
): void {
  const each = (read: (counts: ListenerCounts) => number): MetricValue[] =>
    Object.entries(ports).map(([port, { counts }]) => ({ value: read(counts), labels: { port } }));
  metrics.gauge("holdfast_connections", "Open connections", ["port"], () => each(({ open }) => open));
  metrics.counted(
    "holdfast_connections_refused_total",
    "Connections that were ended for want of room",
    ["port"],
    () => each(({ refused }) => refused),
  );
  metrics.counted(
    "holdfast_connections_slow_total",
    "Connections, and requests, that were cut because their client was too slow to send",
    ["port"],
    () => each(({ slow }) => slow),
  );
}
