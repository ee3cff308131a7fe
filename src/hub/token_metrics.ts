import type { Metrics } from "../platform/metrics.ts";
import type { KeptTokens } from "../replica/kept_tokens.ts";

/** Declares what is counted of the tokens that are kept. */
export function declareTokenMetrics(tokens: KeptTokens, metrics: Metrics): void {
  metrics.gauge("holdfast_tokens", "Service account tokens that are kept", [], () => [{ value: tokens.size }]);
  metrics.counted(
    "holdfast_tokens_dropped_total",
    "Tokens that went for want of room",
    [],
    () => [{ value: tokens.dropped }],
  );
  metrics.gauge("holdfast_tokens_failed", "Whether tokens cannot be written", [], () => [
    { value: tokens.failure === undefined ? 0 : 1 },
  ]);
}
