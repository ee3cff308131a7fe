import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";

/** How long a request may wait for something. */
export interface Deadline {
  /** Aborted when the time is up, the client has gone, or the hub ends. */
  readonly signal: AbortSignal;
  /** To be called once nothing waits any more. */
  end(): void;
}

export function deadline({ platform, closed }: HubContext, call: Call, limitMs: number): Deadline {
  const limit = new AbortController();
  const signals = [call.exchange.signal, closed];
  const abort = () => limit.abort(new Error("The request cannot wait any longer"));
  const timer = platform.clock.setTimer(limitMs, abort);
  for (const signal of signals) signal.addEventListener("abort", abort);
  if (signals.some((signal) => signal.aborted)) abort();
  return {
    signal: limit.signal,
    end: () => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener("abort", abort);
    },
  };
}
