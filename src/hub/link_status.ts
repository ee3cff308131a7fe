import type { ClusterIdentity } from "../cloud/cluster_identity.ts";
import type { HealthState } from "../cloud/backend_health.ts";
import type { LinkState } from "../cloud/link.ts";
import type { Cloud } from "../cloud/cloud.ts";
import type { HubContext } from "./context.ts";
import type { KnownBackend } from "./hub_state.ts";
import type { WorkingMode } from "./hub_link.ts";

/** What `/v1/status` says of the way to the cloud. Times are RFC 3339. */
export interface LinkStatus {
  readonly workingMode: WorkingMode;
  readonly state: LinkState;
  readonly since: string;
  readonly reason: string;
  /** Missing until an API server was reached. */
  readonly cluster: ClusterIdentity | undefined;
  readonly backends: readonly BackendStatus[];
}

export interface BackendStatus {
  readonly address: string;
  readonly state: HealthState;
  readonly since: string;
  readonly reason: string;
  /** Requests under way, watches included. */
  readonly inFlight: number;
}

/** What it says of the node's lease. */
export interface LeaseStatus {
  /** Whether kubelet renews it, so that the hub does. */
  readonly alive: boolean;
  readonly kubeletRenewedAt: string | undefined;
  readonly renewedAt: string | undefined;
  readonly failure: string | undefined;
}

export function linkStatus({ link, cloud, workingMode }: HubContext): LinkStatus {
  return {
    workingMode,
    state: link.state,
    since: iso(link.since),
    reason: link.reason,
    cluster: link.cluster.identity,
    backends: cloud.backends.map(({ address, health, inFlight }) => ({
      address,
      state: health.state,
      since: iso(health.since),
      reason: health.reason,
      inFlight,
    })),
  };
}

/** The API servers as they are kept for the next start. */
export function knownBackends(cloud: Cloud): Readonly<Record<string, KnownBackend>> {
  return Object.fromEntries(cloud.backends.map(({ address, health: { state, reason, since } }) => [
    address,
    { state, reason, since: iso(since) },
  ]));
}

/** @returns nothing where the hub does not renew it */
export function leaseStatus({ lease }: HubContext): LeaseStatus | undefined {
  if (lease === undefined) return undefined;
  const { alive, kubeletRenewedAt, renewedAt, failure } = lease.status;
  return { alive, kubeletRenewedAt: isoOrNothing(kubeletRenewedAt), renewedAt: isoOrNothing(renewedAt), failure };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNothing(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : iso(ms);
}
