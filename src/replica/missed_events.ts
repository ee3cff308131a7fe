import { compareVersions, isVersion } from "../kube/resource_version.ts";
import type { LogEvent } from "./event_log.ts";
import type { HeldObject } from "./object_rows.ts";

/** What a list shows that has happened since the last event. */
export interface Missed {
  /** At their objects' versions. */
  readonly changes: readonly LogEvent[];
  /** Objects that are gone; `below` is the version of the object that has taken the name since. */
  readonly deletions: readonly { readonly held: HeldObject; readonly below?: string }[];
}

/**
 * The events that lead from the held state to a list's, each at a version of its own (R7): a watcher that is cut between
 * two of them resumes with the next one. The cloud gave each missed deletion a version above the held one and up to the
 * list's, and none of them to anything else, so there is a free one for each; which one it was is not known.
 *
 * @returns the events by version; a deletion has the object's last known state
 */
export function missedEvents(
  { changes, deletions }: Missed,
  range: { readonly after: string; readonly upTo: string },
): LogEvent[] {
  const used = new Set(changes.map((event) => event.resourceVersion));
  const free = (upTo: bigint): string => {
    for (let version = upTo; version > BigInt(range.after); version--) {
      if (used.has(String(version))) continue;
      used.add(String(version));
      return String(version);
    }
    return range.upTo; // versions that are no etcd revisions
  };
  const ordered = isVersion(range.after) && isVersion(range.upTo);
  // Those with a successor first: they have less room.
  const constrained = deletions.toSorted((a, b) => (a.below === undefined ? 1 : 0) - (b.below === undefined ? 1 : 0));
  const events = constrained.map(({ held, below }): LogEvent => {
    const upTo = below === undefined ? range.upTo : String(BigInt(below) - 1n);
    return { type: "DELETED", held, resourceVersion: ordered ? free(BigInt(upTo)) : range.upTo };
  });
  return [...changes, ...events].sort((a, b) => compareVersions(a.resourceVersion, b.resourceVersion));
}
