import { isSystem } from "../identity/caller.ts";
import { isLongRunning } from "../kube/request_info.ts";
import { tooManyRequests } from "../kube/status.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Call } from "./call.ts";
import { componentOf } from "./component.ts";
import { leaseNamespace } from "./node_lease.ts";
import { Refusals } from "./refusals.ts";
import { type SlotClient, Slots } from "./slots.ts";

/** `long`: what may go on without an end (watches, logs, upgrades, proxies), as kube-apiserver counts it. */
export type RequestKind = "short" | "long";

export interface AdmissionOptions {
  /** Short requests at once. */
  readonly maxRequestsInFlight: number;
  /** Long ones. */
  readonly maxWatches: number;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const flags: Readonly<Record<RequestKind, string>> = { short: "--max-requests-in-flight", long: "--max-watches" };
/** As kube-apiserver says it. */
const refusalMessage = "Too many requests, please try again later.";
const retryAfterSeconds = 1;
/** Of a `User-Agent` that counts: a longer one is the client's own words. */
const maxNameLength = 64;

/**
 * Lets at most so many requests go on at once (design, section 1), and none of those who ask shut out another: see `Slots`. A
 * client is a service account, or a component of the node by its `User-Agent`. What keeps a node Ready, its leases and its
 * Node, is a client of its own for each component, so that kubelet's heartbeats do not wait for kubelet's reads either.
 *
 * Components that take each other's names are not told apart: on the plain port that is root's to do.
 */
export class Admission {
  readonly slots: Readonly<Record<RequestKind, Slots>>;
  readonly #nodeName: string;
  readonly #refusals: Refusals;

  constructor({ maxRequestsInFlight, maxWatches, nodeName, clock, logger }: AdmissionOptions) {
    this.slots = { short: new Slots(maxRequestsInFlight), long: new Slots(maxWatches) };
    this.#nodeName = nodeName;
    const message = "Too many requests at once: some are refused with 429";
    this.#refusals = new Refusals({ clock, logger, level: "warn", message });
  }

  /**
   * Counts a request from now on.
   *
   * @returns to be called when it is over, whatever has become of it
   * @throws StatusError 429, with `Retry-After`
   */
  admit(call: Call): () => void {
    const kind: RequestKind = call.exchange.upgrade || isLongRunning(call.info) ? "long" : "short";
    const slots = this.slots[kind];
    const client = this.#clientOf(call);
    const slot = slots.take(client);
    if (typeof slot === "function") return slot;
    this.#refusals.add({ flag: flags[kind], limit: slots.limit, why: slot, client: client.name });
    throw tooManyRequests(refusalMessage, retryAfterSeconds);
  }

  #clientOf(call: Call): SlotClient {
    const { caller } = call;
    const system = isSystem(caller);
    if (caller.token !== undefined) return { name: caller.scope.id, system };
    const role = this.#isHeartbeat(call) ? "heartbeat" : "node";
    return { name: `${role}:${componentOf(call).slice(0, maxNameLength)}`, system };
  }

  #isHeartbeat({ info: { group, resource, namespace, name } }: Call): boolean {
    if (group === "coordination.k8s.io") return resource === "leases" && namespace === leaseNamespace;
    return group === "" && resource === "nodes" && name === this.#nodeName;
  }
}
