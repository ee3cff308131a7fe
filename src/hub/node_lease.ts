import type { Backend } from "../cloud/backend.ts";
import type { Cloud } from "../cloud/cloud.ts";
import type { Link } from "../cloud/link.ts";
import { isJsonObject, jsonEqual } from "../kube/json_equal.ts";
import { contentTypeOf } from "../kube/media_type.ts";
import { readObjectMeta } from "../kube/object_meta.ts";
import { decodeUnknown } from "../kube/protobuf.ts";
import { protobufToJson } from "../kube/protobuf_messages.ts";
import { compareVersions } from "../kube/resource_version.ts";
import { alreadyExists, badRequest } from "../kube/status.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { StoreError } from "../platform/store.ts";
import type { ObjectPath } from "../replica/object_path.ts";
import { MissingRowError } from "../replica/object_rows.ts";
import type { Replica } from "../replica/replica.ts";
import type { Call } from "./call.ts";
import { renewLease } from "./renew_lease.ts";
import { bodyName, bodyOf, member, parseJson, protobufType, respondObject } from "./write_body.ts";

export interface NodeLeaseOptions {
  readonly nodeName: string;
  readonly cloud: Cloud;
  readonly link: Link;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Without a renewal by kubelet for so long the lease is left to lapse; 0 for never. */
  readonly graceMs: number;
  /** Between two renewals at one backend. */
  readonly intervalMs: number;
  /** For one try of a renewal. */
  readonly timeoutMs: number;
  readonly tries: number;
}

/** What `/v1/status` says of it. Milliseconds since 1970. */
export interface NodeLeaseStatus {
  /** Whether kubelet renews it, so that the hub does. */
  readonly alive: boolean;
  readonly kubeletRenewedAt: number | undefined;
  readonly renewedAt: number | undefined;
  /** Why the last renewal failed; missing where it did not. */
  readonly failure: string | undefined;
}

interface KnownLease {
  readonly lease: unknown;
  readonly bytes: Uint8Array;
  readonly resourceVersion: string;
}

/** A renewed lease is kept on disk no more often. */
const recordMs = 5 * 60_000;

/**
 * The lease that says that the node lives. kubelet's renewals are answered here, whatever the link does; the hub renews
 * the lease in the cloud with each heartbeat of a healthy API server, as long as kubelet itself goes on renewing.
 */
export class NodeLease {
  readonly #options: NodeLeaseOptions;
  readonly #path: ObjectPath;
  readonly #closed = new AbortController();
  readonly #stop: () => void;
  readonly #renewing = new Set<Backend>();
  readonly #renewedBy = new WeakMap<Backend, number>();
  /** What the cloud said last. */
  #latest: KnownLease | undefined;
  /** Monotonic milliseconds; `At` of the status is the same in milliseconds since 1970. */
  #kubeletRenewed: number | undefined;
  #renewed: number | undefined;
  #recorded = -Infinity;
  /** The newest time that kubelet was told to have renewed it at. */
  #acknowledged: unknown;
  #kubeletRenewedAt: number | undefined;
  #renewedAt: number | undefined;
  #failure: string | undefined;
  #lapsed = false;

  constructor(options: NodeLeaseOptions) {
    const { link, nodeName } = options;
    this.#options = options;
    this.#path = {
      group: "coordination.k8s.io",
      version: "v1",
      resource: "leases",
      namespace: leaseNamespace,
      name: nodeName,
    };
    this.#stop = link.onHeartbeat((backend) => void this.#beat(backend));
  }

  get status(): NodeLeaseStatus {
    return {
      alive: this.#isAlive(),
      kubeletRenewedAt: this.#kubeletRenewedAt,
      renewedAt: this.#renewedAt,
      failure: this.#failure,
    };
  }

  close(): void {
    this.#stop();
    this.#closed.abort(new Error("The hub closes"));
  }

  /**
   * Answers kubelet's get, create or update of the lease.
   *
   * @returns false where only the cloud can answer
   * @throws StatusError
   */
  async answer(call: Call): Promise<boolean> {
    switch (call.info.verb) {
      case "get":
        return await this.#get(call);
      case "create":
        return await this.#create(call);
      case "update":
        return await this.#update(call);
      default:
        return false;
    }
  }

  async #get(call: Call): Promise<boolean> {
    const known = await this.#known();
    if (known === undefined || call.accept.as !== undefined || !call.accept.json) return false;
    respondObject(call, this.#shown(known), { status: 200, source: "replica" });
    return true;
  }

  async #create(call: Call): Promise<boolean> {
    if (await this.#known() === undefined || await bodyName(call) !== this.#options.nodeName) return false;
    throw alreadyExists(this.#path);
  }

  async #update(call: Call): Promise<boolean> {
    const { link, replica, clock } = this.#options;
    const isOffline = link.state === "offline";
    const known = await this.#known();
    this.#kubeletRenewed = clock.monotonic();
    this.#kubeletRenewedAt = clock.now();
    if (known === undefined && !isOffline) return false;
    const { lease, bytes } = await leaseOf(call);
    if (member(member(lease, "metadata"), "name") !== this.#options.nodeName) {
      throw badRequest("the name of the object does not match the name on the URL");
    }
    // What is more than a renewal the cloud has to take.
    if (known !== undefined && !isOffline && !isRenewal(lease, known.lease)) return false;
    const resourceVersion = member(member(lease, "metadata"), "resourceVersion");
    if (known === undefined && typeof resourceVersion === "string" && resourceVersion !== "") {
      replica.records.put(this.#path, { bytes, savedAt: clock.now() });
    }
    this.#acknowledged = member(member(lease, "spec"), "renewTime");
    respondObject(call, bytes, { status: 200, source: "replica" });
    this.#renewLate(lease);
    return true;
  }

  /** It, renewed as kubelet was told that it is. */
  #shown({ lease, bytes }: KnownLease): Uint8Array {
    const spec = member(lease, "spec");
    if (!isJsonObject(lease) || !isJsonObject(spec) || !isLater(this.#acknowledged, spec["renewTime"])) return bytes;
    return new TextEncoder().encode(JSON.stringify({ ...lease, spec: { ...spec, renewTime: this.#acknowledged } }));
  }

  /** Renews at once where the cloud has not heard of kubelet for as long as kubelet itself lets pass: a quarter of its time. */
  #renewLate(lease: unknown): void {
    const { cloud, link, clock, intervalMs } = this.#options;
    const seconds = member(member(lease, "spec"), "leaseDurationSeconds");
    const limitMs = Math.min(1.5 * intervalMs, typeof seconds === "number" ? seconds * 250 : Number.POSITIVE_INFINITY);
    const isLate = this.#renewed === undefined || clock.monotonic() - this.#renewed >= limitMs;
    const [backend] = link.state === "online" ? cloud.usable : [];
    if (isLate && backend !== undefined) void this.#beat(backend, { atOnce: true });
  }

  #isAlive(): boolean {
    const { graceMs, clock } = this.#options;
    if (graceMs === 0) return true;
    return this.#kubeletRenewed !== undefined && clock.monotonic() - this.#kubeletRenewed <= graceMs;
  }

  async #beat(backend: Backend, { atOnce }: { readonly atOnce: boolean } = { atOnce: false }): Promise<void> {
    const { clock, intervalMs } = this.#options;
    if (this.#closed.signal.aborted || !this.#noteLife()) return;
    const renewedBy = this.#renewedBy.get(backend) ?? -Infinity;
    if (this.#renewing.has(backend) || (!atOnce && clock.monotonic() - renewedBy < 0.7 * intervalMs)) return;
    this.#renewing.add(backend);
    try {
      await this.#renew(backend);
    } finally {
      this.#renewing.delete(backend);
    }
  }

  /** @returns whether kubelet renews it; says when that has changed */
  #noteLife(): boolean {
    const alive = this.#isAlive();
    const { logger, graceMs } = this.#options;
    if (!alive && this.#kubeletRenewed !== undefined && !this.#lapsed) {
      logger.log("warn", "kubelet does not renew its lease any more: the hub lets it lapse", { graceMs });
    }
    if (alive && this.#lapsed) logger.log("info", "kubelet renews its lease again, and so does the hub");
    this.#lapsed = !alive && this.#kubeletRenewed !== undefined;
    return alive;
  }

  async #renew(backend: Backend): Promise<void> {
    const { clock, logger } = this.#options;
    const begun = { monotonic: clock.monotonic(), now: clock.now() };
    const known = await this.#known();
    const renewal = await renewLease(backend, {
      ...this.#options,
      path: this.#path,
      after: member(member(known?.lease, "spec"), "renewTime"),
      signal: this.#closed.signal,
    });
    if (this.#closed.signal.aborted) return;
    if (renewal.result === "gone") return this.#forget(known);
    const failure = renewal.result === "failed" ? renewal.reason : undefined;
    if (failure !== undefined && failure !== this.#failure) {
      logger.log("warn", "The node's lease could not be renewed", { backend: backend.address, reason: failure });
    }
    this.#failure = failure;
    if (renewal.result !== "renewed") return;
    this.#renewed = begun.monotonic;
    this.#renewedAt = begun.now;
    this.#renewedBy.set(backend, this.#renewed);
    this.#learn(renewal.body);
  }

  #learn(bytes: Uint8Array): void {
    const { replica, clock } = this.#options;
    this.#latest = { lease: parseJson(bytes), bytes, resourceVersion: readObjectMeta(bytes).resourceVersion };
    if (clock.monotonic() - this.#recorded < recordMs) return;
    this.#recorded = clock.monotonic();
    replica.records.put(this.#path, { bytes, savedAt: clock.now() });
  }

  /** The cloud has no such lease: kubelet has to make one, and is told so. */
  #forget(known: KnownLease | undefined): void {
    const uid = member(member(known?.lease, "metadata"), "uid");
    this.#latest = undefined;
    this.#recorded = -Infinity;
    if (typeof uid === "string") this.#options.replica.of(this.#path).shownGone(this.#path, { uid });
  }

  /** The newest that is known of it: what the hub's own renewals showed, or an answer of the cloud that was recorded. */
  async #known(): Promise<KnownLease | undefined> {
    const { replica } = this.#options;
    const found = replica.of(this.#path).find(this.#path);
    const latest = this.#latest;
    const { resourceVersion = "0" } = found?.held.meta ?? {};
    if (
      found === undefined || (latest !== undefined && compareVersions(latest.resourceVersion, resourceVersion) >= 0)
    ) {
      return latest;
    }
    try {
      const bytes = await replica.rows.read(found.held);
      return { lease: parseJson(bytes), bytes, resourceVersion };
    } catch (error) {
      if (error instanceof StoreError || error instanceof MissingRowError) return undefined;
      throw error;
    }
  }
}

/** Where nodes have their leases. */
export const leaseNamespace = "kube-node-lease";

async function leaseOf(call: Call): Promise<{ readonly lease: unknown; readonly bytes: Uint8Array }> {
  const body = await bodyOf(call);
  const { type } = contentTypeOf(call.exchange.header("content-type"));
  const lease = parseJson(type === protobufType ? leaseJson(body) : body);
  return { lease, bytes: new TextEncoder().encode(JSON.stringify(lease)) };
}

function leaseJson(body: Uint8Array): Uint8Array {
  const { apiVersion, kind } = decodeUnknown(body);
  const json = kind === "Lease" ? protobufToJson(body) : undefined;
  if (json === undefined) throw badRequest(`Cannot decode the lease: it is a ${kind} of ${apiVersion}`);
  return json;
}

function isLater(one: unknown, other: unknown): boolean {
  return typeof one === "string" && !(typeof other === "string" && Date.parse(other) >= Date.parse(one));
}

/** Whether nothing but the time differs. */
function isRenewal(lease: unknown, known: unknown): boolean {
  return ["labels", "annotations", "ownerReferences"].every((name) =>
    isSame(member(member(lease, "metadata"), name), member(member(known, "metadata"), name))
  ) && isSame(withoutTime(member(lease, "spec")), withoutTime(member(known, "spec")));
}

function withoutTime(spec: unknown): unknown {
  return typeof spec === "object" && spec !== null ? { ...spec, renewTime: undefined } : spec;
}

function isSame(one: unknown, other: unknown): boolean {
  return jsonEqual(orNothing(one), orNothing(other));
}

/** An empty member is none, as in Go. */
function orNothing(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value ?? {};
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined && entry !== null));
}
