import type { Metrics, MetricValue } from "../platform/metrics.ts";
import type { Admission } from "./admission.ts";
import type { Slots } from "./slots.ts";

/** What is told of the limits on requests at once. */
export function declareAdmissionMetrics({ slots }: Admission, metrics: Metrics): void {
  const kinds = Object.entries(slots);
  const each = (read: (one: Slots) => number): MetricValue[] =>
    kinds.map(([kind, one]) => ({ value: read(one), labels: { kind } }));
  metrics.gauge("holdfast_requests_in_flight", "Requests that go on", ["kind"], () => each(({ taken }) => taken));
  metrics.gauge(
    "holdfast_requests_limit",
    "Requests that may go on at once",
    ["kind"],
    () => each(({ limit }) => limit),
  );
  metrics.counted(
    "holdfast_requests_over_limit_total",
    "Requests that were refused with 429: all slots taken, the rest reserved, or the client's share used up",
    ["kind", "why"],
    () =>
      kinds.flatMap(([kind, { refused }]) =>
        Object.entries(refused).map(([why, value]) => ({ value, labels: { kind, why } }))
      ),
  );
}
