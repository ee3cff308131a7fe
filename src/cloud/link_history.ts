import type { Clock } from "../platform/clock.ts";
import type { HealthState } from "./backend_health.ts";
import type { Cloud } from "./cloud.ts";
import type { Link, LinkState } from "./link.ts";

/** A state that the link, or one of its API servers, has entered. */
export interface StateChange {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of the API server; missing where it is the link itself. */
  readonly address?: string;
  readonly state: LinkState | HealthState;
  readonly reason: string;
}

export interface LinkHistoryOptions {
  readonly link: Pick<Link, "state" | "reason" | "onChange" | "onBackend">;
  readonly cloud: { readonly backends: readonly Pick<Cloud["backends"][number], "address" | "health">[] };
  readonly clock: Pick<Clock, "now">;
}

/** How far back it tells. */
export const historyMs: number = 60 * 60_000;
/** Changes that are kept; the oldest go first, and are counted. */
export const maxStateChanges: number = 300;
/** What an API server says of itself may be long. */
const maxReasonLength = 300;

/** What the link and its API servers were in the last hour, for whoever looks at a node that was cut off. */
export class LinkHistory {
  readonly #options: LinkHistoryOptions;
  /** What was noted last, by address; "" for the link. */
  readonly #noted = new Map<string, string>();
  readonly #stops: readonly (() => void)[];
  #changes: readonly StateChange[] = [];
  #dropped = 0;

  constructor(options: LinkHistoryOptions) {
    this.#options = options;
    const look = () => this.#look();
    look();
    this.#stops = [options.link.onChange(look), options.link.onBackend(look)];
  }

  /** Changes that had to go for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Oldest first: those of the last hour, and of each before it the one that tells how the hour began. */
  changes(): readonly StateChange[] {
    return this.#changes.filter(isTold(this.#changes, this.#options.clock.now() - historyMs));
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #look(): void {
    const { link, cloud } = this.#options;
    this.#note({ state: link.state, reason: link.reason });
    for (const { address, health } of cloud.backends) {
      this.#note({ address, state: health.state, reason: health.reason });
    }
  }

  #note({ address, state, reason }: Omit<StateChange, "at">): void {
    if (this.#noted.get(address ?? "") === state) return;
    this.#noted.set(address ?? "", state);
    const at = this.#options.clock.now();
    const shown = reason.length > maxReasonLength ? `${reason.slice(0, maxReasonLength)}…` : reason;
    const kept = [...this.changes(), { at, ...(address === undefined ? {} : { address }), state, reason: shown }];
    this.#dropped += kept.splice(0, Math.max(0, kept.length - maxStateChanges)).length;
    this.#changes = kept;
  }
}

/** Whether a change is of the time from `fromMs` on, or the last before it of the same. */
function isTold(changes: readonly StateChange[], fromMs: number): (change: StateChange) => boolean {
  const first = new Map<string, StateChange>();
  for (const change of changes) if (change.at <= fromMs) first.set(change.address ?? "", change);
  return (change) => change.at > fromMs || first.get(change.address ?? "") === change;
}
