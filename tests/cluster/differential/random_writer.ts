import type { Asker } from "./asker.ts";
import { collectionPath, type Dice, type Kind, type KubeJson, NAMES, NAMESPACES, randomLabels } from "./kinds.ts";

const MERGE = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const AT_ONCE = { gracePeriodSeconds: 0 };
const BUSY_MS = 500;
const BUSY_ROUNDS = 20;

/** Is told of each write that was answered. */
export interface WriteListener {
  shown(kind: Kind, object: KubeJson): void;
  gone(uid: string): void;
}

interface Place {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

export interface RandomWriterOptions {
  /** Where it writes: directly, or through a hub. */
  readonly asker: Asker;
  readonly dice: Dice;
  readonly kinds: readonly Kind[];
  readonly listener?: WriteListener;
}

/** Creates, changes and deletes at random; the only writer of its kinds. */
export class RandomWriter {
  /** The version of the last write that was answered. */
  acknowledged = 0n;
  /** How many writes were answered. */
  count = 0;
  readonly #asker: Asker;
  readonly #dice: Dice;
  readonly #kinds: readonly Kind[];
  readonly #listener: WriteListener | undefined;
  readonly #objects = new Map<string, KubeJson>();

  constructor(options: RandomWriterOptions) {
    this.#asker = options.asker;
    this.#listener = options.listener;
    this.#dice = options.dice;
    this.#kinds = options.kinds;
  }

  /** Takes over what there is of its kinds, whatever it knew before. */
  async adopt(): Promise<void> {
    this.#objects.clear();
    for (const kind of this.#kinds) {
      const text = await this.#send("GET", collectionPath(kind, ""));
      // A list of the API server.
      const { items } = JSON.parse(text) as { readonly items: readonly KubeJson[] };
      for (const object of items) {
        const { namespace = "", name } = object.metadata;
        this.#take(
          { kind, namespace, name },
          JSON.stringify({ apiVersion: kind.apiVersion, kind: kind.kind, ...object }),
        );
      }
    }
  }

  /** Writes until the promise is settled, with a pause after each write. */
  async runUntil(over: () => boolean, pauseMs: number): Promise<void> {
    while (!over()) {
      await this.step();
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** One write, or two that belong together. */
  async step(): Promise<void> {
    const dice = this.#dice;
    const kind = dice.pick(this.#kinds);
    const place = { kind, namespace: kind.namespaced ? dice.pick(NAMESPACES) : "", name: dice.pick(NAMES) };
    const held = this.#objects.get(keyOf(place));
    if (held === undefined) return await this.#create(place);
    const roll = dice.below(100);
    if (roll < 25) await this.#patch(place, MERGE, { metadata: { labels: this.#labels() } });
    else if (roll < 40) await this.#patch(place, JSON_PATCH, [{ op: "add", path: "/metadata/labels/app", value: "b" }]);
    else if (roll < 55 && kind.status) await this.#write("PATCH", place, { sub: "/status", body: kind.status(dice) });
    else if (roll < 70) await this.#update(place, held);
    else if (roll < 73) await this.#deleteMany(place);
    else if (roll < 76 && kind.resource === "pods") await this.#write("DELETE", place, {}); // says only when
    else {
      await this.#delete(place);
      if (dice.chance(0.5)) await this.#create(place);
    }
  }

  /** An object that comes after everything else of its kind. @returns its version */
  async marker(kind: Kind, name: string): Promise<bigint> {
    await this.#create({ kind, namespace: kind.namespaced ? "red" : "", name });
    return this.acknowledged;
  }

  #labels(): Readonly<Record<string, string | null>> {
    return { tier: null, ...randomLabels(this.#dice) };
  }

  async #create(place: Place): Promise<void> {
    const { kind, namespace, name } = place;
    const metadata = { name, ...(namespace === "" ? {} : { namespace }), labels: randomLabels(this.#dice) };
    const body = { apiVersion: kind.apiVersion, kind: kind.kind, metadata, ...kind.members(this.#dice) };
    const text = await this.#send("POST", collectionPath(kind, namespace), { body });
    this.#take(place, text);
  }

  async #update(place: Place, held: KubeJson): Promise<void> {
    // A pod's spec cannot be changed.
    const members = place.kind.resource === "pods" ? {} : place.kind.members(this.#dice);
    const metadata = { ...held.metadata, labels: randomLabels(this.#dice) };
    await this.#write("PUT", place, { body: { ...held, ...members, metadata } });
  }

  async #patch(place: Place, contentType: string, body: unknown): Promise<void> {
    await this.#write("PATCH", place, { body, contentType });
  }

  async #write(
    method: string,
    place: Place,
    { sub = "", body, contentType }: { readonly sub?: string; readonly body?: unknown; readonly contentType?: string },
  ): Promise<void> {
    const path = `${collectionPath(place.kind, place.namespace)}/${place.name}${sub}`;
    const type = contentType ?? (method === "PATCH" ? MERGE : "application/json");
    const text = await this.#send(method, path, { body, contentType: type });
    if (method !== "DELETE") return this.#take(place, text);
    // One that runs nowhere goes at once; of the others the answer says when they will.
    const { metadata } = JSON.parse(text) as { readonly metadata: { readonly deletionGracePeriodSeconds?: number } };
    if ((metadata.deletionGracePeriodSeconds ?? 0) === 0) this.#forget(keyOf(place));
    else this.#take(place, text);
  }

  async #delete(place: Place): Promise<void> {
    await this.#send("DELETE", `${collectionPath(place.kind, place.namespace)}/${place.name}`, { body: AT_ONCE });
    this.#forget(keyOf(place));
    await this.#noteRevision(place.kind);
  }

  async #deleteMany({ kind, namespace }: Place): Promise<void> {
    const path = collectionPath(kind, namespace);
    await this.#send("DELETE", `${path}?labelSelector=app%3Dc`, { body: AT_ONCE });
    for (const [key, { metadata }] of this.#objects) {
      if (key.startsWith(`${kind.resource}/${namespace}/`) && metadata.labels?.["app"] === "c") this.#forget(key);
    }
    await this.#noteRevision(kind);
  }

  /** The answer to a deletion does not say at which version it was. */
  async #noteRevision(kind: Kind): Promise<void> {
    const text = await this.#send("GET", `${collectionPath(kind, "")}?limit=1`);
    const version = BigInt((JSON.parse(text) as KubeJson).metadata.resourceVersion); // a list of the API server
    if (version > this.acknowledged) this.acknowledged = version;
  }

  async #send(
    method: string,
    path: string,
    sent: { readonly body?: unknown; readonly contentType?: string } = {},
  ): Promise<string> {
    const { body: given, contentType = "application/json" } = sent;
    const body = given === undefined ? undefined : JSON.stringify(given);
    const ask = () => this.#asker.ask({ method, path, contentType, ...(body === undefined ? {} : { body }) });
    let answer = await ask();
    // An API server that was started anew reads etcd first ("storage is (re)initializing"), and asks to come back.
    for (let round = 0; answer.status === 429 && round < BUSY_ROUNDS; round++) {
      await new Promise((wake) => setTimeout(wake, BUSY_MS));
      answer = await ask();
    }
    if (answer.status >= 200 && answer.status <= 299) {
      this.count++;
      return answer.text;
    }
    throw new Error(`${method} ${path} ${body}: ${answer.status} ${answer.text} (${answer.ended})`);
  }

  #forget(key: string): void {
    const held = this.#objects.get(key);
    this.#objects.delete(key);
    if (held !== undefined) this.#listener?.gone(held.metadata.uid);
  }

  #take(place: Place, text: string): void {
    // The API server's answer to a write is the object.
    const object = JSON.parse(text) as KubeJson;
    this.#objects.set(keyOf(place), object);
    this.#listener?.shown(place.kind, object);
    const version = BigInt(object.metadata.resourceVersion);
    if (version > this.acknowledged) this.acknowledged = version;
  }
}

function keyOf({ kind, namespace, name }: Place): string {
  return `${kind.resource}/${namespace}/${name}`;
}
