import type { Call } from "./call.ts";
import { outOfReach } from "./forward.ts";
import { pathOf } from "./object_path_of.ts";
import { type OutboxContext, writeToOutbox } from "./outbox_writes.ts";
import { respondObject } from "./write_body.ts";
import { waitFor } from "./waits.ts";

/**
 * Keeps the order of writes to one object while the cloud is in reach again and something still waits for the object: what
 * the outbox takes is put behind it, everything else waits until that has been pushed.
 *
 * @returns `cloud` where the write may go to the cloud
 * @throws StatusError 503 where what waits cannot be pushed for now
 */
export async function writeInOrder(context: OutboxContext, call: Call): Promise<"answered" | "cloud"> {
  const path = pathOf(call);
  const { outbox } = context;
  if (outbox.size === 0 || path.name === "" || outbox.get(path) === undefined) return "cloud";
  const taken = await writeToOutbox(context, call);
  if (taken !== false) return taken === "cloud" ? "cloud" : "answered";
  const done = () => outbox.get(path) === undefined;
  const subscribe = [(wake: () => void) => outbox.onChange(wake)];
  if (await waitFor(context, call, { done, limitMs: context.cloudReadTimeoutMs, subscribe })) return "cloud";
  throw outOfReach("what was written to this object before has still to be sent");
}

/** Answers a GET of an object that is still to be created. @returns false where there is none */
export function readCreated({ outbox }: OutboxContext, call: Call): boolean {
  if (outbox.size === 0 || call.info.verb !== "get" || call.info.subresource !== "" || !call.accept.json) return false;
  const entry = outbox.get(pathOf(call));
  if (entry?.kind !== "create") return false;
  respondObject(call, entry.pending, { status: 200, source: "outbox" });
  return true;
}
