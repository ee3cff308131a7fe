import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";

export interface Condition {
  readonly done: () => boolean;
  readonly limitMs: number;
  /** Asked again after each of these. @returns how to stop */
  readonly subscribe: readonly ((wake: () => void) => () => void)[];
}

/** Waits until the condition holds, its time is up, the client has gone or the hub ends. @returns whether it holds */
export function waitFor(context: HubContext, call: Call, condition: Condition): Promise<boolean> {
  const { platform, closed, draining } = context;
  const { done, limitMs, subscribe } = condition;
  // A watch that has not begun ends with those that have.
  const signals = [call.exchange.signal, call.info.verb === "watch" ? draining : closed];
  if (done() || signals.some((signal) => signal.aborted)) return Promise.resolve(done());
  return new Promise((resolve) => {
    const finish = () => {
      for (const stop of stops) stop();
      timer.cancel();
      for (const signal of signals) signal.removeEventListener("abort", finish);
      resolve(done());
    };
    const timer = platform.clock.setTimer(limitMs, finish);
    const stops = subscribe.map((subscribed) =>
      subscribed(() => {
        if (done()) finish();
      })
    );
    for (const signal of signals) signal.addEventListener("abort", finish);
  });
}
