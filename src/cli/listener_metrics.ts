import type { ListenerCounts } from "../platform/listener.ts";
import type { GaugeValue, Metrics } from "../platform/metrics.ts";

/** What is told of the connections of each port. */
export function declareListenerMetrics(
  metrics: Metrics,
  ports: Readonly<Record<string, { readonly counts: ListenerCounts }>>,
): void {
  const each = (read: (counts: ListenerCounts) => number): GaugeValue[] =>
    Object.entries(ports).map(([port, { counts }]) => ({ value: read(counts), labels: { port } }));
  metrics.gauge("holdfast_connections", "Open connections", ["port"], () => each(({ open }) => open));
  metrics.gauge(
    "holdfast_connections_refused",
    "Connections that were ended for want of room",
    ["port"],
    () => each(({ refused }) => refused),
  );
  metrics.gauge(
    "holdfast_connections_slow",
    "Connections, and requests, that were cut because their client was too slow to send",
    ["port"],
    () => each(({ slow }) => slow),
  );
}
