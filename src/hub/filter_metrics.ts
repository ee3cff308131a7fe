import type { Metrics } from "../platform/metrics.ts";
import type { Filters } from "./filters.ts";

/** What is told of filters. */
export function declareFilterMetrics(filters: Filters, metrics: Metrics): void {
  metrics.counted(
    "holdfast_filter_failures_total",
    "How often a filter has thrown",
    ["filter"],
    () => [...filters.failures].map(([filter, value]) => ({ value, labels: { filter } })),
  );
  metrics.gauge("holdfast_filters_off", "What keeps filters off that should not be", [], () => [
    { value: filters.problems().length },
  ]);
}
