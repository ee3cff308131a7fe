import { waitFor } from "../driver/wait.ts";
import type { Asker } from "./asker.ts";
import { keyOf, textOf, versionOf } from "./history.ts";
import type { KubeJson } from "./kinds.ts";

export interface RecordedEvent {
  readonly type: string;
  readonly key: string;
  readonly version: bigint;
  readonly uid: string;
  readonly text: string;
  /** No newer version than this was there when it came. */
  readonly notAfter: bigint;
}

/** Above every version. */
const UNKNOWN = 2n ** 64n;

/** Objects as a client has them. */
export type StateByKey = ReadonlyMap<string, RecordedEvent>;

export interface WatchRecordOptions {
  /** Where it begins. */
  readonly from?: bigint;
  /** What the client has there. */
  readonly state?: StateByKey;
  /** Above every version that there is. */
  readonly now?: () => bigint;
  /** Called after each change. */
  readonly changed?: () => void;
}

/** A watch, and all that came of it. */
export class WatchRecord {
  readonly events: RecordedEvent[] = [];
  /** The version of the bookmark that ends the state, where one came. */
  stateVersion: bigint | undefined;
  /** How many events came before that. */
  stateEvents = 0;
  /** Faults of the stream itself. */
  readonly faults: string[] = [];
  /** The code of the ERROR event that ended it. */
  errorCode: number | undefined;
  /** Why it has ended. */
  ended: string | undefined;
  /** Where a client goes on from. */
  position: bigint;
  /** Objects by key as a client has them. */
  readonly state: Map<string, RecordedEvent> = new Map();
  readonly path: string;
  readonly #stop: () => void;
  readonly #changed: () => void;
  readonly #now: () => bigint;
  /** Whether the events come in the order of their versions: those of a state do not. */
  #ordered: boolean;
  #partial = "";

  constructor(asker: Asker, path: string, options: WatchRecordOptions = {}) {
    const { changed = () => {}, now = () => UNKNOWN, state = [], from } = options;
    this.path = path;
    this.#changed = changed;
    this.#now = now;
    this.#ordered = from !== undefined;
    this.position = from ?? 0n;
    for (const [key, event] of state) this.state.set(key, event);
    this.#stop = asker.follow({ path }, {
      text: (part) => this.#text(part),
      end: (status, why) => {
        this.ended = status === 200 ? why : `${status} ${why}`;
        changed();
      },
    });
  }

  /** Waits until a client has exactly these objects, each as `key@version`. */
  async waitForState(wanted: readonly string[]): Promise<void> {
    await waitFor(`the watch ${this.path} to lead to ${wanted.join()}`, 20_000, (seen) => {
      const has = [...this.state.values()].map(({ key, version }) => `${key}@${version}`).sort();
      seen({ ended: this.ended, error: this.errorCode, events: this.events.length, has });
      return has.join() === wanted.join();
    });
  }

  close(): void {
    this.#stop();
  }

  #text(part: string): void {
    const lines = (this.#partial + part).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
    this.#changed();
  }

  #line(line: string): void {
    // The assertions find out whether it is what it should be.
    const { type, object } = JSON.parse(line) as { type: string; object: KubeJson & { code?: number } };
    if (type === "ERROR") {
      this.errorCode = object.code;
      return;
    }
    const version = versionOf(object);
    if (type === "BOOKMARK") {
      if (version < this.position) this.faults.push(`a bookmark at ${version} after ${this.position}`);
      this.position = version;
      if (object.metadata.annotations?.["k8s.io/initial-events-end"] !== "true") return;
      this.stateVersion = version;
      this.#ordered = true;
      this.stateEvents = this.events.length;
      return;
    }
    const event = recorded(type, object, this.#now());
    const held = this.state.get(event.key);
    if ((type === "ADDED") !== (held === undefined)) {
      this.faults.push(`${type} ${event.key} at ${version}, held: ${held?.version}`);
    }
    if (type === "DELETED") this.state.delete(event.key);
    else this.state.set(event.key, event);
    this.events.push(event);
    if (version > this.position) this.position = version;
    else if (this.#ordered) this.faults.push(`an event at ${version} after ${this.position}`);
  }
}

/** What a client has after a list. */
export function stateOf(objects: readonly KubeJson[]): StateByKey {
  return new Map(objects.map((object) => [keyOf(object), recorded("ADDED", object, UNKNOWN)]));
}

function recorded(type: string, object: KubeJson, notAfter: bigint): RecordedEvent {
  const { uid } = object.metadata;
  return { type, key: keyOf(object), version: versionOf(object), uid, text: textOf(object), notAfter };
}
