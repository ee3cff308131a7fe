/** What a prepared server holds of one resource of the core group. */
export interface PreparedResource {
  /** `pods` */
  readonly resource: string;
  /** `Pod` */
  readonly kind: string;
  readonly count: number;
  /** Of one object. */
  readonly bytes: number;
}

/** Versions have as many digits as this, and names five: all objects and events of a resource have the same length. */
const firstVersion = 10_000_000;
const timeDigits = 16;

/** Objects, lists and events that are made before the measuring begins: what is measured sends bytes, it makes none. */
export class PreparedCluster {
  readonly #objects = new Map<string, PreparedObjects>();

  constructor(resources: readonly PreparedResource[]) {
    for (const resource of resources) this.#objects.set(resource.resource, new PreparedObjects(resource));
  }

  /** @throws RangeError where it holds no such resource */
  of(resource: string): PreparedObjects {
    const objects = this.#objects.get(resource);
    if (objects === undefined) throw new RangeError(`Nothing is prepared of ${resource}`);
    return objects;
  }
}

/** The prepared objects of one resource. */
export class PreparedObjects {
  readonly #of: PreparedResource;
  readonly #event: EventTemplate;
  #version = firstVersion;

  constructor(resource: PreparedResource) {
    this.#of = resource;
    this.#event = new EventTemplate(`{"type":"MODIFIED","object":${objectText(resource, 0)}}\n`);
  }

  get resourceVersion(): string {
    return String(this.#version);
  }

  /** Bytes of one event. */
  get eventBytes(): number {
    return this.#event.length;
  }

  /** The state as ADDED events and the bookmark that ends them (KEP-3157). */
  watchList(): Uint8Array {
    const events = this.#texts().map((text) => `{"type":"ADDED","object":${text}}\n`);
    return new TextEncoder().encode(`${events.join("")}${this.bookmark()}`);
  }

  bookmark(): string {
    const { kind } = this.#of;
    const metadata = { resourceVersion: this.resourceVersion, annotations: { "k8s.io/initial-events-end": "true" } };
    return `${JSON.stringify({ type: "BOOKMARK", object: { kind, apiVersion: "v1", metadata } })}\n`;
  }

  /** @param limit of the items; a shorter list says nothing of a next page */
  list(limit?: number): Uint8Array {
    const items = this.#texts().slice(0, limit).map((text) => text.replace(/^\{"kind":"\w+","apiVersion":"v1",/, "{"));
    const head =
      `"kind":"${this.#of.kind}List","apiVersion":"v1","metadata":{"resourceVersion":"${this.resourceVersion}"}`;
    return new TextEncoder().encode(`{${head},"items":[${items.join(",")}]}\n`);
  }

  /** The next event, of the objects in turn: bytes of its own, stamped with the time in microseconds. */
  nextEvent(): Uint8Array {
    this.#version++;
    return this.#event.make({ index: this.#version % this.#of.count, version: this.#version });
  }

  #texts(): string[] {
    return Array.from({ length: this.#of.count }, (_, index) => objectText(this.#of, index));
  }
}

/** The time that a clock of all processes of this machine shows, in microseconds since 1970. */
export function microseconds(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000);
}

/** An event of which only numbers of a fixed length change. */
class EventTemplate {
  readonly #bytes: Uint8Array;
  readonly #places: { readonly of: "index" | "version" | "time"; readonly at: number; readonly digits: number }[] = [];

  constructor(text: string) {
    this.#bytes = new TextEncoder().encode(text);
    for (const match of text.matchAll(/pod-(00000)/g)) {
      this.#places.push({ of: "index", at: match.index + 4, digits: 5 });
    }
    for (const match of text.matchAll(/-0000000(00000)"/g)) {
      this.#places.push({ of: "index", at: match.index + 8, digits: 5 });
    }
    const version = text.indexOf(`"resourceVersion":"${firstVersion}"`) + `"resourceVersion":"`.length;
    this.#places.push({ of: "version", at: version, digits: 8 });
    const stamp = text.indexOf(`"bench/stamp":"`) + `"bench/stamp":"`.length;
    this.#places.push({ of: "time", at: stamp, digits: timeDigits });
  }

  get length(): number {
    return this.#bytes.length;
  }

  make({ index, version }: { readonly index: number; readonly version: number }): Uint8Array {
    const bytes = this.#bytes.slice();
    const numbers = { index, version, time: microseconds() };
    for (const { of, at, digits } of this.#places) {
      let rest = numbers[of];
      for (let place = at + digits - 1; place >= at; place--) {
        bytes[place] = 0x30 + rest % 10;
        rest = Math.floor(rest / 10);
      }
    }
    return bytes;
  }
}

/** An object as a cluster has them: mostly short strings, many small members; filled up to its length with environment. */
function objectText({ kind, bytes }: PreparedResource, index: number): string {
  const name = `pod-${String(index).padStart(5, "0")}`;
  const text = (fill: readonly object[], rest: string) =>
    JSON.stringify({
      kind,
      apiVersion: "v1",
      metadata: {
        name,
        namespace: "default",
        uid: `6f3c2d1a-77b0-4c55-9d7e-0000000${String(index).padStart(5, "0")}`,
        resourceVersion: String(firstVersion),
        creationTimestamp: "2026-01-02T03:04:05Z",
        labels: { app: "bench", "pod-template-hash": "7d4b9c6f5d" },
        annotations: { "bench/stamp": "0".repeat(timeDigits), "bench/rest": rest },
      },
      spec: {
        nodeName: "node-1",
        restartPolicy: "Always",
        containers: [{ name: "app", image: "registry.example/app:1.2.3", ports: [{ containerPort: 8080 }], env: fill }],
      },
      status: {
        phase: "Running",
        podIP: "10.244.0.17",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-02T03:04:15Z" }],
      },
    });
  const fill: object[] = [];
  for (let length = text(fill, "").length;;) {
    const entry = { name: `SETTING_${fill.length}`, value: `value of setting number ${fill.length}` };
    length += JSON.stringify(entry).length + 1;
    if (length > bytes) break;
    fill.push(entry);
  }
  return text(fill, "x".repeat(Math.max(0, bytes - text(fill, "").length)));
}
