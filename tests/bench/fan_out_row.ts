import type { Figure } from "./figures.ts";
import type { PreparedResource } from "./prepared_cluster.ts";
import { microseconds, PreparedCluster } from "./prepared_cluster.ts";
import { openConnection, readOnce } from "./raw_client.ts";
import { alternate, median, percentile } from "./rounds.ts";
import type { Runtime } from "./runtimes.ts";
import { Bench, type RunningHub, type RunningServer, startCloud, startControl, startHub, stateOf } from "./servers.ts";

const pods: PreparedResource = { resource: "pods", kind: "Pod", count: 500, bytes: 1_470 };
const many = 200;
const rounds = 5;
/** Of one round: enough to last about half a second. */
const events = 200;
/** Events under way: the next is sent when the one so many before it has reached every watcher. */
const window = 2;
const latency = { rounds: 3, perSecond: 200, seconds: 3 };

/** A server whose watchers are all connected, and who makes its events. */
interface Scene {
  readonly fleet: Fleet;
  /** Has it send events. */
  readonly source: RunningServer["process"];
}

/** One event of 1.5 KB to 200 watchers, and the way of an event through the hub at 200 events a second. */
export async function measureFanOut(runtime: Runtime): Promise<readonly Figure[]> {
  return await Bench.run(runtime, async (bench) => {
    const control = await startControl(bench, pods);
    const cloud = await startCloud(bench, [pods]);
    const hub = await startHub(bench, cloud);
    await readOnce(hub.port, "/api/v1/pods?resourceVersion=0"); // it is brought, and followed
    const open = async (watchers: number) => ({
      control: { fleet: await Fleet.open(control.port, { path: "/watch", watchers }), source: control.process },
      hub: { fleet: await Fleet.open(hub.port, { path: await watchPath(hub), watchers }), source: cloud.process },
    });
    const alone = await ways(await open(1));
    const fleets = await open(many);
    const rates = await alternate(rounds, {
      control: () => deliveries(fleets.control),
      hub: () => deliveries(fleets.hub),
    });
    const last = await ways(fleets);
    const name = `p99 of an event's way at ${latency.perSecond} events/s`;
    return [
      {
        name: `1 event of 1.5 KB to ${many} watchers`,
        unit: "deliveries/s",
        hub: median(rates.hub),
        control: median(rates.control),
        better: "higher",
        target: { ratio: 0.6 },
        orientation: 50_000,
      },
      { name: `${name}, 1 watcher`, unit: "ms", ...alone, better: "lower", target: { value: 10 } },
      { name: `${name}, the last of ${many} watchers`, unit: "ms", ...last, better: "lower" },
    ];
  });
}

/** A watch of what comes from now on. */
async function watchPath(hub: RunningHub): Promise<string> {
  return `/api/v1/pods?watch=true&resourceVersion=${(await stateOf(hub)).resourceVersion}`;
}

interface Scenes {
  readonly control: Scene;
  readonly hub: Scene;
}

async function ways(scenes: Scenes): Promise<{ readonly control: number; readonly hub: number }> {
  const measured = await alternate(latency.rounds, {
    control: () => wayOfEvents(scenes.control),
    hub: () => wayOfEvents(scenes.hub),
  });
  return { control: median(measured.control), hub: median(measured.hub) };
}

/** The watchers of one server, on connections of their own, until the bench ends them with their server. */
class Fleet {
  readonly watchers: number;
  /** Bytes of events that came, all watchers together. */
  received = 0;
  /** Called after each piece. */
  progress: () => void = () => undefined;
  /** Called where a watcher loses its watch. */
  failed: (error: Error) => void = () => undefined;
  /** Called with what the last watcher gets. */
  seen: (piece: Uint8Array) => void = () => undefined;

  private constructor(watchers: number) {
    this.watchers = watchers;
  }

  static async open(
    port: number,
    { path, watchers }: { readonly path: string; readonly watchers: number },
  ): Promise<Fleet> {
    const fleet = new Fleet(watchers);
    await Promise.all(Array.from({ length: watchers }, async (_, index) => {
      const isLast = index === watchers - 1;
      let began: () => void = () => undefined;
      const watching = new Promise<void>((resolve) => began = resolve);
      const connection = await openConnection({
        port,
        began,
        failed: (error) => fleet.failed(error),
        received: (piece) => {
          fleet.received += piece.length;
          if (isLast) fleet.seen(piece);
          fleet.progress();
        },
      });
      connection.get(path);
      await watching;
    }));
    return fleet;
  }
}

/** @returns deliveries a second */
async function deliveries({ fleet, source }: Scene): Promise<number> {
  await settled(fleet);
  const one = new PreparedCluster([pods]).of("pods").eventBytes; // the hub sends the same
  fleet.received = 0;
  const startedAt = performance.now();
  await new Promise<void>((resolve, reject) => {
    fleet.failed = reject;
    let sent = window;
    fleet.progress = () => {
      const arrived = Math.floor(fleet.received / (one * fleet.watchers));
      const due = Math.min(events, arrived + window) - sent;
      if (due > 0) {
        sent += due;
        source.say(`events ${due}`);
      }
      if (arrived >= events) resolve();
    };
    source.say(`events ${window}`);
  });
  fleet.progress = () => undefined;
  return events * fleet.watchers / ((performance.now() - startedAt) / 1_000);
}

/** Nothing more comes. */
async function settled(fleet: Fleet): Promise<void> {
  for (let before = -1; before !== fleet.received;) {
    before = fleet.received;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @returns milliseconds from the making of an event to its arrival at the last watcher, the 99th percentile */
async function wayOfEvents({ fleet, source }: Scene): Promise<number> {
  await settled(fleet);
  const taken: number[] = [];
  fleet.seen = (piece) => {
    const now = microseconds();
    for (const [, stamp] of new TextDecoder().decode(piece).matchAll(/"bench\/stamp":"(\d+)"/g)) {
      taken.push((now - Number(stamp)) / 1_000);
    }
  };
  source.say(`pace ${latency.perSecond} ${latency.perSecond * latency.seconds}`);
  await source.appears(/done/);
  await settled(fleet);
  fleet.seen = () => undefined;
  return percentile(taken, 0.99);
}
