import type { Clock } from "../platform/clock.ts";
import { UpstreamError } from "../platform/upstream.ts";
import { type ApiClient, type ApiEvent, WatchRefusedError } from "./api_client.ts";
import { fieldAt, fieldText, isJsonObject, type JsonObject } from "./api_object.ts";
import { leaseObject, nodeObject, podPath, podStatusPatch } from "./kubelet_objects.ts";

export interface SimulatedKubeletOptions {
  readonly clock: Clock;
  /** Of the hub. The kubelet does not close it. */
  readonly client: ApiClient;
  readonly nodeName: string;
  /** Its containers, which outlive the kubelet: pod uid to the time of their start. */
  readonly containers: Map<string, number>;
  /** @default {1_000} */
  readonly leaseIntervalMs?: number;
  /** Pause after a failure. @default {200} */
  readonly retryMs?: number;
}

interface Pod {
  readonly uid: string;
  readonly object: JsonObject;
}

interface PodWatch {
  /** Whether the state is still being sent. */
  initial: boolean;
  readonly seen: Set<string>;
}

/**
 * Does what a kubelet does at the API: registers its node, keeps its lease, watches its pods by WatchList, runs them
 * (their containers are entries of a map), reports them Running, and ends what is deleted. What fails is tried again.
 */
export class SimulatedKubelet {
  readonly #options: SimulatedKubeletOptions;
  readonly #stop = new AbortController();
  readonly #pods = new Map<string, Pod>();
  readonly #unreported = new Set<string>();
  #registered = false;
  #synced = false;
  #resourceVersion = "";
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: SimulatedKubeletOptions) {
    this.#options = options;
  }

  /** Whether its node object is there: made by it, or 409 because it is there already. */
  get registered(): boolean {
    return this.#registered;
  }

  /** Whether it has seen all its pods since it was started. */
  get synced(): boolean {
    return this.#synced;
  }

  start(): void {
    this.#running = Promise.all([
      this.#forever(() => this.#register(), () => this.#registered),
      this.#forever(() => this.#renewLease(), () => false),
      this.#forever(() => this.#watchPods(), () => false),
      this.#forever(() => this.#reportPods(), () => false),
    ]);
  }

  /** Ends the kubelet; its containers live on. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("The kubelet stops"));
    await this.#running;
  }

  async #forever(work: () => Promise<void>, done: () => boolean): Promise<void> {
    const { clock, retryMs = 200 } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted && !done()) {
      try {
        await work();
        await clock.sleep(retryMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof UpstreamError) && !(error instanceof WatchRefusedError)) throw error;
        // Stopped while it waits: the loop ends.
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  async #register(): Promise<void> {
    const { client, clock, nodeName } = this.#options;
    const body = nodeObject(nodeName, clock.now());
    const { status } = await client.call({ method: "POST", path: "/api/v1/nodes", body, signal: this.#stop.signal });
    this.#registered = status === 201 || status === 409;
  }

  async #renewLease(): Promise<void> {
    const { client, clock, nodeName, leaseIntervalMs = 1000 } = this.#options;
    const { signal } = this.#stop;
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const body = leaseObject(nodeName, clock.now());
    const { status } = await client.call({ method: "PUT", path: `${leases}/${nodeName}`, body, signal });
    if (status === 404) await client.call({ method: "POST", path: leases, body, signal });
    await clock.sleep(leaseIntervalMs, signal);
  }

  async #watchPods(): Promise<void> {
    const { client, nodeName } = this.#options;
    const watch = { initial: this.#resourceVersion === "", seen: new Set<string>() };
    const from = watch.initial
      ? "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
      : `resourceVersion=${this.#resourceVersion}`;
    const selector = `fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
    const path = `/api/v1/pods?watch=true&allowWatchBookmarks=true&${selector}&${from}`;
    for await (const event of client.watch(path, this.#stop.signal)) {
      if (event.type === "ERROR") {
        this.#resourceVersion = "";
        return;
      }
      this.#take(event, watch);
    }
  }

  #take({ type, object }: ApiEvent, watch: PodWatch): void {
    if (type === "BOOKMARK") {
      if (watch.initial && endsInitialEvents(object)) {
        this.#endInitial(watch.seen);
        watch.initial = false;
      }
    } else {
      const path = podPath(object);
      watch.seen.add(path);
      if (type === "DELETED") this.#forget(path);
      else this.#run(path, object);
    }
    if (!watch.initial) this.#resourceVersion = fieldText(object, "metadata.resourceVersion");
  }

  /** All pods are known now: containers of any other must end. */
  #endInitial(seen: ReadonlySet<string>): void {
    for (const path of [...this.#pods.keys()]) if (!seen.has(path)) this.#forget(path);
    const { containers } = this.#options;
    const uids = new Set([...this.#pods.values()].map((pod) => pod.uid));
    for (const uid of [...containers.keys()]) if (!uids.has(uid)) containers.delete(uid);
    this.#synced = true;
  }

  #run(path: string, object: JsonObject): void {
    const { containers, clock } = this.#options;
    const uid = fieldText(object, "metadata.uid");
    this.#pods.set(path, { uid, object });
    const isDeleted = fieldText(object, "metadata.deletionTimestamp") !== "";
    if (isDeleted) containers.delete(uid);
    else if (!containers.has(uid)) containers.set(uid, clock.now());
    if (isDeleted || fieldText(object, "status.phase") !== "Running") this.#unreported.add(path);
  }

  #forget(path: string): void {
    const pod = this.#pods.get(path);
    if (pod) this.#options.containers.delete(pod.uid);
    this.#pods.delete(path);
    this.#unreported.delete(path);
  }

  /** Tells the cloud of pods that run or have ended. What it refuses is told again later. */
  async #reportPods(): Promise<void> {
    for (const path of [...this.#unreported]) {
      const pod = this.#pods.get(path);
      if (pod === undefined || await this.#report(path, pod)) this.#unreported.delete(path);
    }
  }

  async #report(path: string, { uid, object }: Pod): Promise<boolean> {
    const { client, containers } = this.#options;
    const { signal } = this.#stop;
    if (fieldText(object, "metadata.deletionTimestamp") !== "") {
      const body = { gracePeriodSeconds: 0, preconditions: { uid } };
      const { status } = await client.call({ method: "DELETE", path, body, signal });
      return status < 500;
    }
    const body = podStatusPatch(object, containers.get(uid) ?? 0);
    const contentType = "application/strategic-merge-patch+json";
    const { status } = await client.call({ method: "PATCH", path: `${path}/status`, body, contentType, signal });
    return status < 500;
  }
}

function endsInitialEvents(bookmark: JsonObject): boolean {
  const annotations = fieldAt(bookmark, "metadata.annotations");
  return isJsonObject(annotations) && annotations["k8s.io/initial-events-end"] === "true";
}
