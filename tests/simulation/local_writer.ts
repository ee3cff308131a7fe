import type { Clock } from "../../src/platform/clock.ts";
import type { Dice } from "./dice.ts";
import type { LocalAnswer, LocalClient } from "./local_client.ts";
import type { ObjectName } from "./plain_reader.ts";
import type { SimEtcd } from "./sim_etcd.ts";
import { contentOf, keyOf, leases, memberAt, pathOf, type SimResource } from "./sim_objects.ts";

export interface LocalWriterOptions {
  readonly client: LocalClient;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly etcd: SimEtcd;
  readonly names: readonly ObjectName[];
  readonly nodeName: string;
}

/** The kubelet's own renewals. */
const leaseMs = 10_000;

/** Writes through the hub, renews the node's lease, and checks that each answer is the cloud's or a refusal. */
export class LocalWriter {
  readonly #options: LocalWriterOptions;
  readonly #closed = new AbortController();
  #paused = false;
  #writes = 0;
  #lease = "";

  constructor(options: LocalWriterOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await Promise.all([this.#write(), this.#renew()]);
  }

  /** Renews the lease alone. */
  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
  }

  close(): void {
    this.#closed.abort(new Error("The writer is closed"));
  }

  async #write(): Promise<void> {
    const { clock, dice, names } = this.#options;
    const signal = this.#closed.signal;
    while (!signal.aborted) {
      await clock.sleep(dice.between(3_000, 45_000), signal).catch(() => undefined);
      if (!signal.aborted && !this.#paused) {
        await this.write(dice.pick(names), dice.pick(["POST", "PUT", "PATCH", "DELETE"]));
      }
    }
  }

  /** Writes one object, with a content that no other write has. */
  async write(named: ObjectName, method: string): Promise<LocalAnswer> {
    const { client, etcd } = this.#options;
    const collection = pathOf(named.resource, named.namespace);
    const rawPath = method === "POST" ? collection : `${collection}/${named.name}`;
    const content = `local-${++this.#writes}`;
    const body = method === "DELETE" ? "" : JSON.stringify(bodyOf(named, content));
    const answer = await client.ask({ method, rawPath, ...(body === "" ? {} : { body }) });
    const where = `write: ${method} ${rawPath}`;
    if (answer.source === "hub" && answer.status === 409 && !everWas(etcd, keyOf(named))) {
      client.oracle.fail("write", `${where}: 409 for a name that never was`);
    }
    if (answer.status < 200 || answer.status >= 300 || !answer.complete) return answer;
    if (answer.source !== "cloud") client.oracle.fail("write", `${where}: ${answer.status} from ${answer.source}`);
    if (memberAt(answer.body, ["kind"]) === "Status") return answer;
    if (method === "DELETE") {
      const state = client.oracle.recogniseDeleted(answer.body, where);
      if (state !== undefined) client.oracle.showDeleted(state, Number.MAX_SAFE_INTEGER);
      return answer;
    }
    const state = client.oracle.recognise(answer.body, where);
    if (state === undefined) return answer;
    if (state.content !== content) client.oracle.fail("write", `${where}: ${state.content} is not what was written`);
    client.oracle.show(state);
    return answer;
  }

  async #renew(): Promise<void> {
    const { clock, dice } = this.#options;
    const signal = this.#closed.signal;
    while (!signal.aborted) {
      await clock.sleep(leaseMs * dice.between(0.9, 1.1), signal).catch(() => undefined);
      if (!signal.aborted) await this.#renewOnce();
    }
  }

  /** kubelet updates what it last got back; offline the hub answers with what was sent. */
  async #renewOnce(): Promise<void> {
    const { client, nodeName } = this.#options;
    const named = { resource: leases, namespace: "kube-node-lease", name: nodeName };
    const rawPath = `${pathOf(named.resource, named.namespace)}/${nodeName}`;
    const content = `renewal-${++this.#writes}`;
    const written = bodyOf(named, content, this.#lease);
    const answer = await client.ask({ method: "PUT", rawPath, body: JSON.stringify(written) });
    if (answer.status === 409) this.#lease = "";
    if (answer.status !== 200 || !answer.complete) return;
    if (contentOf(answer.body) !== content) client.oracle.fail("write", `${rawPath}: not what was written`);
    if (answer.source === "cloud") client.oracle.recognise(answer.body, rawPath);
    const version = memberAt(answer.body, ["metadata", "resourceVersion"]);
    this.#lease = typeof version === "string" ? version : "";
  }
}

function bodyOf({ resource, namespace, name }: ObjectName, content: string, resourceVersion = ""): object {
  const metadata = {
    name,
    ...(namespace === "" ? {} : { namespace }),
    ...(resourceVersion === "" ? {} : { resourceVersion }),
  };
  return { kind: resource.kind, apiVersion: apiVersion(resource), metadata, ...contentMembers(resource, content) };
}

function apiVersion({ group, version }: SimResource): string {
  return group === "" ? version : `${group}/${version}`;
}

function contentMembers(resource: SimResource, content: string): object {
  switch (resource.plural) {
    case "pods":
      return { spec: { nodeName: "node-1" }, status: { message: content } };
    case "configmaps":
      return { data: { content } };
    case "nodes":
      return { status: { phase: content } };
    default:
      return { spec: { holderIdentity: content } };
  }
}

function everWas(etcd: SimEtcd, key: string): boolean {
  for (let epoch = 0; epoch <= etcd.epoch; epoch++) {
    if (etcd.changes(epoch).some(({ state }) => state.key === key)) return true;
  }
  return false;
}
