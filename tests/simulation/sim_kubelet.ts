import type { Clock } from "../../src/platform/clock.ts";
import type { Dice } from "./dice.ts";
import type { LocalAnswer, LocalClient } from "./local_client.ts";
import { type Mark, markedStatus } from "./node_truth.ts";
import type { ObjectName, PlainReader } from "./plain_reader.ts";
import type { SimNetwork } from "./sim_network.ts";
import { events, keyOf, memberAt, nodes, pathOf, pods } from "./sim_objects.ts";

export interface SimKubeletOptions {
  readonly client: LocalClient;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly network: SimNetwork;
  readonly reader: PlainReader;
  readonly names: readonly ObjectName[];
  readonly nodeName: string;
}

const strategic = "application/strategic-merge-patch+json";
/** An Event that is told of again is one of the last so many. */
const openEvents = 2;

/**
 * Writes through the hub what a kubelet writes: the statuses of its node and pods as strategic merge patches that are bound
 * to a uid, Events and how often they came, and the end of a pod. One write to an object at a time; more of them while the
 * link is down. What was acknowledged is the truth that the cloud must come to have.
 */
export class SimKubelet {
  readonly #options: SimKubeletOptions;
  readonly #closed = new AbortController();
  readonly #busy = new Set<string>();
  readonly #uids = new Map<string, string>();
  readonly #own: readonly ObjectName[];
  #events: readonly string[] = [];
  #paused = false;
  #created = 0;

  constructor(options: SimKubeletOptions) {
    this.#options = options;
    this.#own = options.names.filter(({ resource, name }) =>
      resource === pods || (resource === nodes && name === options.nodeName)
    );
  }

  async run(): Promise<void> {
    const { clock, dice, network } = this.#options;
    const signal = this.#closed.signal;
    while (!signal.aborted) {
      const { link, portal, starting } = network.conditions;
      const isDown = link !== "up" || portal !== undefined || starting !== undefined;
      const delayMs = isDown ? dice.between(1_000, 10_000) : dice.between(15_000, 90_000);
      await clock.sleep(delayMs, signal).catch(() => undefined);
      if (!signal.aborted && !this.#paused) void this.act();
    }
  }

  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
  }
  close(): void {
    this.#closed.abort(new Error("The kubelet is closed"));
  }

  /** One random write; none where the object is being written. */
  async act(): Promise<void> {
    const { dice } = this.#options;
    const way = dice.int(0, 9);
    if (way === 0) return await this.#createEvent();
    const event = dice.chance(0.5) ? this.#events.at(-1) : this.#events.at(0);
    if (way === 1 && event !== undefined) return await this.#alone(event, () => this.#countEvent(event));
    const named = dice.pick(this.#own);
    await this.#alone(keyOf(named), () => way === 2 ? this.#remove(named) : this.#writeStatus(named));
  }

  async #alone(key: string, write: () => Promise<void>): Promise<void> {
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    await write();
    this.#busy.delete(key);
  }

  /** kubelet reads the pod before it patches it; it is patched by its uid. */
  async #writeStatus(named: ObjectName): Promise<void> {
    const { client, dice } = this.#options;
    const uid = await this.#uidOf(named);
    if (uid === undefined) return;
    const mark = client.oracle.truth.next(uid, keyOf(named));
    const phase = named.resource === pods && dice.chance(0.03) ? { phase: "Succeeded" } : {};
    const order = { "$setElementOrder/conditions": [{ type: "Ready" }] };
    const body = { metadata: { uid }, status: { ...order, ...markedStatus(named.resource, mark), ...phase } };
    const answer = await this.#ask({ method: "PATCH", rawPath: `${pathTo(named)}/status`, body });
    if (this.#taken(answer, mark)) client.oracle.recognise(answer.body, `kubelet: ${pathTo(named)}/status`);
    else this.#uids.delete(keyOf(named));
  }

  /** As it was when it was last read, or as it is now. */
  async #uidOf(named: ObjectName): Promise<string | undefined> {
    const { dice, reader, nodeName } = this.#options;
    const known = this.#uids.get(keyOf(named));
    if (known !== undefined && dice.chance(0.75)) return known;
    const { status, complete, body } = await reader.get(named, "");
    const uid = memberAt(body, ["metadata", "uid"]);
    const isOwn = named.resource === nodes || memberAt(body, ["spec", "nodeName"]) === nodeName;
    if (status === 404) this.#uids.delete(keyOf(named));
    if (!complete || status !== 200 || typeof uid !== "string" || !isOwn) return undefined;
    this.#uids.set(keyOf(named), uid);
    return uid;
  }

  /** A pod that has ended is taken away for good; its last status was sent before. */
  async #remove(named: ObjectName): Promise<void> {
    const { client } = this.#options;
    const uid = this.#uids.get(keyOf(named));
    if (uid === undefined || named.resource !== pods || named.name === "pods-0") return;
    const body = { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0, preconditions: { uid } };
    const answer = await this.#ask({ method: "DELETE", rawPath: pathTo(named), body });
    if (answer.status !== 200 || !answer.complete) return;
    this.#uids.delete(keyOf(named));
    client.oracle.truth.checkRemoved(uid);
    const state = client.oracle.recogniseDeleted(answer.body, `kubelet: DELETE ${pathTo(named)}`);
    if (state !== undefined) client.oracle.showDeleted(state, Number.MAX_SAFE_INTEGER);
  }

  async #createEvent(): Promise<void> {
    const { client } = this.#options;
    const named = { resource: events, namespace: "a", name: `event-${++this.#created}` };
    const mark = client.oracle.truth.next(keyOf(named), keyOf(named));
    const pod = { kind: "Pod", namespace: "a", name: "pods-0", uid: this.#uids.get("pods/a/pods-0") ?? "" };
    const metadata = { name: named.name, namespace: "a" };
    const told = { involvedObject: pod, reason: "BackOff", type: "Warning", ...countOf(mark) };
    const body = { kind: "Event", apiVersion: "v1", metadata, ...told };
    const answer = await this.#ask({ method: "POST", rawPath: pathOf(events, "a"), body });
    if (!this.#taken(answer, mark)) return;
    this.#events = [...this.#events, keyOf(named)].slice(-openEvents);
  }

  /** client-go's recorder counts what comes again. */
  async #countEvent(key: string): Promise<void> {
    const { client } = this.#options;
    const mark = client.oracle.truth.next(key, key);
    const rawPath = `${pathOf(events, "a")}/${key.slice("events/a/".length)}`;
    const answer = await this.#ask({ method: "PATCH", rawPath, body: countOf(mark) });
    if (!this.#taken(answer, mark)) this.#events = this.#events.filter((event) => event !== key);
  }

  #ask({ method, rawPath, body }: { method: string; rawPath: string; body: object }): Promise<LocalAnswer> {
    const contentType = method === "PATCH" ? strategic : "application/json";
    return this.#options.client.ask({ method, rawPath, body: JSON.stringify(body), contentType });
  }

  #taken({ status, source, complete }: LocalAnswer, mark: Mark): boolean {
    const { oracle } = this.#options.client;
    if ((status !== 200 && status !== 201) || !complete) return false;
    oracle.acknowledged(mark, { byCloud: source === "cloud" });
    return true;
  }
}

function countOf({ uid, number }: Mark): object {
  return { message: `${uid}:${number}`, count: number };
}

function pathTo({ resource, namespace, name }: ObjectName): string {
  return `${pathOf(resource, namespace)}/${name}`;
}
