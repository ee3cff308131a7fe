import type { Collection } from "../replica/collection.ts";
import type { GrantEnd } from "../replica/grants.ts";
import { accessOf } from "./access.ts";
import type { Call } from "./call.ts";
import type { HubContext } from "./context.ts";

/** What a running watch of a service account goes on by. */
export interface FollowedGrant {
  /** How the watch has to end; nothing as long as it goes on. */
  readonly end: () => GrantEnd | undefined;
  readonly stop: () => void;
}

/** Follows the grant of a watch. @returns nothing for the node, which needs none */
export function followGrant(
  { grants, link }: HubContext,
  call: Call,
  collection: Collection,
): FollowedGrant | undefined {
  const access = accessOf(call);
  if (call.caller.token === undefined || grants === undefined || access === undefined) return undefined;
  let ended: GrantEnd | undefined;
  const stop = grants.follow(call.caller, access, (how) => {
    ended = how;
    collection.wake();
  });
  // The grant may have ended since it was asked for.
  if (!grants.isHeld(call.caller, access)) ended = "clean";
  // Who comes back is passed on, or carries it with a fresh token. Out of reach there is nobody to come back to.
  const isLeft = () => collection.state === "refused" || (collection.leave.isUncarried && link.state !== "offline");
  return { stop, end: () => ended ?? (isLeft() ? "clean" : undefined) };
}
