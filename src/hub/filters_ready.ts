import { serviceUnavailable } from "../kube/status.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";
import { waitFor } from "./waits.ts";

/**
 * Waits, no longer than the cloud has to answer a read, until what a request's filters look up is known.
 *
 * @throws StatusError 503 where it is not: nothing may pass unfiltered
 */
export async function filtersReady(context: HubContext, call: Call): Promise<void> {
  const { filters, link, cloudReadTimeoutMs } = context;
  if (filters?.of(call) === undefined) return;
  // What is not held does not come while the link is cut.
  const done = () => filters.isSettled(call) || (link.state === "offline" && !filters.isReading);
  const subscribe = [(wake: () => void) => filters.onChange(wake), (wake: () => void) => link.onChange(wake)];
  if (!done()) await waitFor(context, call, { done, limitMs: cloudReadTimeoutMs, subscribe });
  const waiting = filters.waitingFor(call);
  if (waiting === undefined) return;
  throw serviceUnavailable(`What the filter ${waiting} looks up was never read in full (${link.reason})`);
}
