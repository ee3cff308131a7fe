import type { BackendOptions } from "../cloud/backend.ts";
import type { LbMode } from "../cloud/balancer.ts";
import { Cloud } from "../cloud/cloud.ts";
import type { KnownCluster } from "../cloud/cluster_identity.ts";
import type { HealthTimes } from "../cloud/health_check.ts";
import { Link } from "../cloud/link.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { Replica } from "../replica/replica.ts";
import { NodeLease } from "./node_lease.ts";

/** How often and how patiently API servers are checked. */
export interface HealthOptions extends HealthTimes {
  /** Checks in a row that make one healthy again. @default {2} */
  readonly healthyThreshold?: number;
}

/** `edge`: with a replica. `cloud`: requests pass through, nothing is kept, and API servers are not checked. */
export type WorkingMode = "edge" | "cloud";

/** What a hub's link is made of. */
export interface HubLinkOptions {
  /** The API servers, in the order in which they are preferred. The hub does not close their upstreams. */
  readonly backends: readonly BackendOptions[];
  /** @default {"rr"} */
  readonly lbMode?: LbMode;
  /** @default {"edge"} */
  readonly workingMode?: WorkingMode;
  /** How often and how patiently the API servers are checked. */
  readonly health?: HealthOptions;
  /** The cluster that the API servers must belong to. @default the one that the first of them belongs to */
  readonly cluster?: KnownCluster;
  /** The node's bearer token, where its identity is a token. */
  readonly authorization?: () => string | undefined;
  /** Without a renewal of the node's lease by kubelet for so long the hub lets it lapse; 0 for never. @default {40_000} */
  readonly kubeletHealthGraceMs?: number;
}

interface Surroundings {
  readonly platform: Platform;
  readonly logger: Logger;
}

/** Makes the client for the cloud and what watches over the link. Nothing is asked before the link's `start`. */
export function createLink(
  options: HubLinkOptions,
  { platform: { clock, random }, logger }: Surroundings,
): { readonly cloud: Cloud; readonly link: Link } {
  const { backends, lbMode = "rr", workingMode = "edge", health = {}, cluster, authorization } = options;
  const { healthyThreshold = 2, ...times } = health;
  const checked = workingMode === "edge";
  const cloud = new Cloud({
    backends,
    clock,
    lbMode,
    healthyThreshold,
    checked,
    ...(authorization === undefined ? {} : { authorization }),
  });
  const known = cluster === undefined ? {} : { cluster };
  return { cloud, link: new Link({ ...times, ...known, checked, cloud, clock, random, logger }) };
}

interface LeaseSurroundings extends Surroundings {
  readonly nodeName: string;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly replica: Replica;
}

/** The node's lease. @returns nothing in cloud mode, where it is kubelet's and the cloud's alone */
export function createLease(options: HubLinkOptions, around: LeaseSurroundings): NodeLease | undefined {
  if (options.workingMode === "cloud") return undefined;
  const { intervalMs = 10_000, timeoutMs = 2_000, tries = 3 } = options.health ?? {};
  const graceMs = options.kubeletHealthGraceMs ?? 40_000;
  return new NodeLease({ ...around, clock: around.platform.clock, graceMs, intervalMs, timeoutMs, tries });
}
