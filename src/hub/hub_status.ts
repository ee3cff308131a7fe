import { historyMs, type StateChange } from "../cloud/link_history.ts";
import type { ClientTraffic } from "../cloud/traffic.ts";
import { type ClientStatus, clientStatuses } from "./client_status.ts";
import { type CollectionStatus, collectionStatuses } from "./collection_status.ts";
import type { HubContext } from "./context.ts";
import type { CertificateStatus, HubCertificates } from "./hub_certificates.ts";
import { iso, type LeaseStatus, leaseStatus, type LinkStatus, linkStatus } from "./link_status.ts";
import { type OutboxStatus, outboxStatus } from "./outbox_app.ts";
import { isReady, readinessChecks, type ReadinessParts } from "./readiness.ts";
import type { Check } from "./readiness_check.ts";

/** All that a hub tells of itself: `/v1/status`, the page and `holdfast status` are made of it. Times are RFC 3339. */
export interface HubStatus {
  readonly version: string;
  readonly runtime: string;
  readonly nodeName: string;
  readonly startedAt: string;
  /** As `/readyz` says, and why. */
  readonly ready: boolean;
  readonly checks: readonly Check[];
  readonly link: LinkStatus;
  readonly history: HistoryStatus;
  readonly lease: LeaseStatus | undefined;
  readonly traffic: readonly ClientTraffic[];
  readonly clients: readonly ClientStatus[];
  readonly store: { readonly ok: boolean; readonly pendingRows: number; readonly error?: string };
  /** Versions of objects, each once, whoever holds it; bytes before sealing. */
  readonly objects: { readonly count: number; readonly bytes: number; readonly memoryBytes: number };
  readonly records: HeldStatus;
  readonly documents: HeldStatus;
  readonly collections: readonly CollectionStatus[];
  readonly outbox: OutboxSummary;
  /** Missing where the hub knows of none. */
  readonly certificates: CertificatesStatus | undefined;
  /** Missing where nothing is filtered for anybody. */
  readonly filters: FiltersStatus | undefined;
}

export interface HeldStatus {
  readonly count: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** What the link and its API servers were in the last hour. */
export interface HistoryStatus {
  readonly windowMs: number;
  /** Changes that had to go for want of room. */
  readonly dropped: number;
  /** Oldest first; the first ones tell how the hour began. */
  readonly changes: readonly HistoryChange[];
}

/** Of the link itself where `address` is missing. */
export interface HistoryChange extends Omit<StateChange, "at"> {
  readonly at: string;
}

/** The first of what `/v1/outbox` has, and how many there are of all. */
export interface OutboxSummary extends OutboxStatus {
  readonly objects: number;
  /** Since the start, by how. */
  readonly ended: Readonly<Record<string, number>>;
}

export interface CertificatesStatus {
  readonly client: OneCertificateStatus;
  readonly serving: OneCertificateStatus;
  /** Why pods do not believe the serving certificate. */
  readonly servingDistrusted?: string;
}

export interface OneCertificateStatus {
  readonly expiresAt?: string;
  readonly failure?: string;
}

export interface FiltersStatus {
  /** Which are off that should not be, and why. */
  readonly problems: readonly string[];
  /** How often each has thrown. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface HubStatusParts extends ReadinessParts {
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** Of what waits, and of what has ended. */
const maxOutboxShown = 50;

/** Tells how a hub is at the moment. */
export function hubStatus(parts: HubStatusParts): HubStatus {
  const { context, version, startedAt, certificates } = parts;
  const { replica, nodeName, platform, filters } = context;
  const checks = readinessChecks(parts);
  const { failure, pendingRows } = replica.batch;
  return {
    version,
    runtime: platform.runtime,
    nodeName,
    startedAt: iso(startedAt),
    ready: isReady(checks),
    checks,
    link: linkStatus(context),
    history: historyStatus(context),
    lease: leaseStatus(context),
    traffic: context.cloud.traffic.clients(),
    clients: clientStatuses(context),
    store: { ok: failure === undefined, pendingRows, ...(failure === undefined ? {} : { error: failure }) },
    objects: { count: replica.rows.size, bytes: replica.rows.bytes, memoryBytes: replica.rows.hotBytes },
    records: heldStatus(replica.records),
    documents: heldStatus(replica.documents),
    collections: collectionStatuses(replica),
    outbox: outboxSummary(context),
    certificates: certificates === undefined ? undefined : certificatesStatus(certificates),
    filters: filters === undefined
      ? undefined
      : { problems: filters.problems(), failures: Object.fromEntries(filters.failures) },
  };
}

function heldStatus({ size, bytes, dropped }: Omit<HeldStatus, "count"> & { readonly size: number }): HeldStatus {
  return { count: size, bytes, dropped };
}

function historyStatus({ history }: HubContext): HistoryStatus {
  const changes = history.changes().map(({ at, ...change }) => ({ at: iso(at), ...change }));
  return { windowMs: historyMs, dropped: history.dropped, changes };
}

function outboxSummary(context: HubContext): OutboxSummary {
  const { outbox } = context;
  return {
    ...outboxStatus(context, maxOutboxShown),
    objects: outbox?.size ?? 0,
    ended: Object.fromEntries(outbox?.counts ?? []),
  };
}

function certificatesStatus({ client, serving, servingDistrusted }: HubCertificates): CertificatesStatus {
  const distrusted = servingDistrusted();
  return {
    client: certificateStatus(client),
    serving: certificateStatus(serving),
    ...(distrusted === undefined ? {} : { servingDistrusted: distrusted }),
  };
}

function certificateStatus(certificate: CertificateStatus): OneCertificateStatus {
  const expiresAt = certificate.expiresAt();
  const failure = certificate.failure();
  return {
    ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
    ...(failure === undefined ? {} : { failure }),
  };
}
