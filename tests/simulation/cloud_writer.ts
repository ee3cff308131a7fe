import type { Clock } from "../../src/platform/clock.ts";
import type { Dice } from "./dice.ts";
import type { ObjectName } from "./plain_reader.ts";
import type { SimEtcd } from "./sim_etcd.ts";
import { configMaps, keyOf, leases, nodes, pods, type SimResource, widgets } from "./sim_objects.ts";

const namespaces = ["a", "b"];

/** Every name that is ever written. The first of each resource is never deleted. */
export const allNames: readonly ObjectName[] = [
  ...namespaces.flatMap((namespace) => namesOf(pods, namespace, 4)),
  ...namespaces.flatMap((namespace) => namesOf(configMaps, namespace, 3)),
  ...namesOf(widgets, "a", 4),
  ...[1, 2, 3].map((number) => ({ resource: nodes, namespace: "", name: `node-${number}` })),
];

/** What other clients write at the cloud. */
export class CloudWriter {
  readonly #etcd: SimEtcd;
  readonly #clock: Clock;
  readonly #dice: Dice;
  #paused = false;
  #closed = false;
  #writes = 0;

  constructor(etcd: SimEtcd, clock: Clock, dice: Dice) {
    this.#etcd = etcd;
    this.#clock = clock;
    this.#dice = dice;
  }

  /** What is there at the beginning. */
  seed(): void {
    for (const named of allNames) if (isKept(named) || this.#dice.chance(0.6)) this.put(named);
    this.put({ resource: leases, namespace: "kube-node-lease", name: "node-1" });
  }

  /** Writes now and then, sometimes much at once, until it is closed. */
  start(): void {
    this.#clock.setTimer(this.#dice.between(200, 14_000), () => {
      if (this.#closed) return;
      if (!this.#paused) {
        const burst = this.#dice.chance(0.1) ? this.#dice.int(2, 12) : 1;
        for (let index = 0; index < burst; index++) this.write();
      }
      this.start();
    });
  }

  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
  }
  close(): void {
    this.#closed = true;
  }

  /** One random write. */
  write(named: ObjectName = this.#dice.pick(allNames)): void {
    const key = keyOf(named);
    const exists = this.#etcd.get(key) !== undefined;
    if (exists && !isKept(named) && this.#dice.chance(0.35)) {
      this.#etcd.remove(key);
      if (this.#dice.chance(0.4)) this.put(named);
    } else this.put(named);
  }

  /** Creates or changes an object; a pod may change its node only by being made anew, labels at any time. */
  put(named: ObjectName): void {
    const previous = this.#etcd.get(keyOf(named));
    const nodeName = previous?.nodeName ?? this.#dice.pick(["node-1", "node-1", "node-2", ""]);
    const fails = named.resource === pods && previous !== undefined && !isKept(named) && this.#dice.chance(0.03);
    const members = fails ? { ...previous.members, phase: "Failed" } : previous?.members;
    this.#etcd.put({
      ...named,
      ...(members === undefined ? {} : { members }),
      labels: {
        app: this.#dice.chance(0.25) || previous === undefined
          ? this.#dice.pick(["x", "y"])
          : previous.labels["app"] ?? "x",
      },
      nodeName: named.resource === pods ? nodeName : "",
      content: `cloud-${++this.#writes}`,
    });
  }
}

function isKept({ resource, name }: ObjectName): boolean {
  return name === "node-1" || name === `${resource.plural}-0`;
}

function namesOf(resource: SimResource, namespace: string, count: number): ObjectName[] {
  return Array.from({ length: count }, (_, index) => ({ resource, namespace, name: `${resource.plural}-${index}` }));
}
