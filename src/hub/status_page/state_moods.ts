import type { CollectionState } from "../../replica/collection.ts";
import type { SettledHow } from "../../replica/outbox_entry.ts";
import type { Segment } from "../time_line.ts";
import type { Mood } from "./parts.ts";

/** How well it is that the link, or an API server, is in a state. */
export const linkMoods: Readonly<Record<Segment["state"], Mood>> = {
  online: "good",
  healthy: "good",
  offline: "bad",
  unhealthy: "bad",
  untrusted: "bad",
  recovering: "warn",
  unknown: "quiet",
  unrecorded: "quiet",
};

export const collectionMoods: Readonly<Record<CollectionState, Mood>> = {
  live: "good",
  syncing: "quiet",
  stale: "warn",
  refused: "bad",
};

/** How a write that waited has ended, in words, and how well that is. */
export const endings: Readonly<Record<SettledHow, readonly [words: string, mood: Mood]>> = {
  pushed: ["sent", "good"],
  unchanged: ["the cloud had it", "good"],
  finished: ["the pod had ended", "quiet"],
  gone: ["the object was gone", "warn"],
  replaced: ["another object had its name", "warn"],
  refused: ["refused by the cloud", "bad"],
  "not-understood": ["not understood", "bad"],
  "too-old": ["too old", "warn"],
  "too-many": ["too many events", "warn"],
  unreadable: ["unreadable on disk", "bad"],
};
