import type { HistoryChange } from "./hub_status.ts";

/** A time without a change of state. Milliseconds since 1970. */
export interface Segment {
  /** `unrecorded` where nothing is known: the hub did not run then, or too much has happened since. */
  readonly state: HistoryChange["state"] | "unrecorded";
  readonly fromMs: number;
  readonly toMs: number;
}

/** The states of one thing from `fromMs` to `toMs`, without gaps, from its changes, oldest first. The last one may have just begun. */
export function timeLine(
  changes: readonly HistoryChange[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly Segment[] {
  const segments: Segment[] = [];
  let state: Segment["state"] = "unrecorded";
  let since = fromMs;
  for (const change of changes) {
    const at = Math.min(Math.max(Date.parse(change.at), since), toMs); // a clock that was set back moves nothing back
    if (at > since) segments.push({ state, fromMs: since, toMs: at });
    state = change.state;
    since = at;
  }
  return [...segments, { state, fromMs: since, toMs }];
}
