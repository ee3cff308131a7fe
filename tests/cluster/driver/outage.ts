import { type Cluster, startCluster } from "./cluster.ts";
import { type Hub, type Runtime, startHub } from "./hub.ts";
import { type IllAnswer, IllApiServer } from "./ill_api_server.ts";
import { type LoadedRead, ReadLoad } from "./read_load.ts";
import { type Relay, type RelayMode, type Slowness, startRelay } from "./relay.ts";
import { sleep, waitFor } from "./wait.ts";

const NODE = "node-1";
const SERVICES = "/api/v1/namespaces/default/services";
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "steady", namespace: "default" },
  spec: { ports: [{ port: 80 }] },
};
const EVERY_MS = 100;
/** Before what ails the link begins. */
const CALM_MS = 500;
/** Of the picture of a time line. */
const CELL_MS = 250;

/** What ails the link, or who is at its other end. */
export interface Outage {
  readonly name: string;
  readonly mode?: RelayMode;
  readonly slowness?: Slowness;
  /** What was connected before its end never hears anything again. */
  readonly strands?: boolean;
  readonly answer?: IllAnswer;
}

const page = "<!doctype html><title>Welcome</title><p>Please log in";

/** Each way in which a cloud is not there that the hub must be a match for. */
export const outages: readonly Outage[] = [
  { name: "refused", mode: "refuse" },
  { name: "black", mode: "swallow" },
  { name: "black, and old connections stay dead", mode: "swallow", strands: true },
  { name: "slow (2 s)", mode: "slow", slowness: { delayMs: 2_000 } },
  { name: "lossy (each 5th segment 1.5 s late)", mode: "slow", slowness: { lossEvery: 5, resendMs: 1_500 } },
  { name: "500", answer: { status: 500, contentType: "text/plain", body: "etcdserver: no leader" } },
  { name: "429", answer: { status: 429, contentType: "text/plain", body: "Too many requests" } },
  {
    name: "garbage",
    answer: { status: 200, contentType: "application/json", body: Uint8Array.from({ length: 999 }, (_, i) => i % 251) },
  },
  { name: "HTML with 200", answer: { status: 200, contentType: "text/html; charset=utf-8", body: page } },
];

/** One GET per 100 ms through the hub, before, while and after something ails its link. */
export interface TimeLine {
  readonly outage: string;
  readonly reads: number;
  /** Those that had another answer than 200, or none. */
  readonly lost: readonly LoadedRead[];
  /** The longest time in which no read was answered. */
  readonly silenceMs: number;
  readonly slowestMs: number;
  /** From the end of the outage to the first answer of the cloud itself. */
  readonly backMs: number;
  /** From the end of the outage until what is held is kept up to date again. */
  readonly liveMs: number;
  /** One letter for each quarter of a second: `c` answers of the cloud, `r` of the replica, `x` lost, `·` none. */
  readonly picture: string;
}

/** A hub behind a relay, in front of an API server that may fall ill. */
export class OutageScene {
  readonly hub: Hub;
  readonly #cluster: Cluster;
  readonly #server: IllApiServer;
  readonly #relay: Relay;

  private constructor(parts: { cluster: Cluster; server: IllApiServer; relay: Relay; hub: Hub }) {
    this.#cluster = parts.cluster;
    this.#server = parts.server;
    this.#relay = parts.relay;
    this.hub = parts.hub;
  }

  /** Starts it and lets the hub's replica hold what is read. */
  static async start(runtime?: Runtime): Promise<OutageScene> {
    const cluster = await startCluster();
    try {
      await cluster.direct.ok(["create", "-f", "-"], { stdin: JSON.stringify(service) });
      const server = new IllApiServer({ dir: cluster.dir, apiPort: cluster.apiPort, identity: NODE });
      const relay = await startRelay({ targetPort: await server.listen() });
      const hub = await startHub({
        name: NODE,
        dir: cluster.dir,
        serverAddr: `https://127.0.0.1:${relay.port}`,
        kubeconfig: cluster.kubeconfig(NODE),
        nodeName: NODE,
        ...(runtime === undefined ? {} : { runtime }),
      });
      await hub.api(`${SERVICES}?resourceVersion=0`);
      const scene = new OutageScene({ cluster, server, relay, hub });
      await scene.#live();
      return scene;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Reads while something ails the link for `lastsMs`, and for `afterMs` after it. */
  async measure(outage: Outage, { lastsMs, afterMs }: { lastsMs: number; afterMs: number }): Promise<TimeLine> {
    const load = new ReadLoad({ api: this.hub.api, paths: [`${SERVICES}/steady`, SERVICES], everyMs: EVERY_MS });
    await sleep(CALM_MS);
    this.#server.answer = outage.answer;
    if (outage.mode !== undefined) await this.#relay.setMode(outage.mode, outage.slowness);
    await sleep(lastsMs);
    this.#server.answer = undefined;
    if (outage.strands) this.#relay.strand();
    await this.#relay.setMode("pass");
    const healedMs = load.nowMs;
    const live = this.#live().then(() => load.nowMs - healedMs);
    await sleep(afterMs);
    const reads = await load.stop();
    return timeLine(outage.name, { reads, healedMs, liveMs: await live });
  }

  async stop(): Promise<void> {
    await this.#relay.setMode("pass");
    await this.hub.stop().catch(() => undefined);
    await this.#relay.close();
    this.#server.close();
    await this.#cluster.stop();
  }

  async #live(): Promise<void> {
    await waitFor("the services to be kept up to date", 30_000, async (seen) => {
      const { text } = await this.hub.status("/v1/status");
      seen(text);
      // The hub's own status; a missing field fails the comparison.
      const { link, collections } = JSON.parse(text) as StatusOfHub;
      const services = collections?.find(({ resource }) => resource === "services");
      return link?.state === "online" && services?.state === "live";
    });
  }
}

interface StatusOfHub {
  readonly link?: { readonly state: string };
  readonly collections?: readonly { readonly resource: string; readonly state: string }[];
}

function timeLine(
  outage: string,
  { reads, healedMs, liveMs }: {
    readonly reads: readonly LoadedRead[];
    readonly healedMs: number;
    readonly liveMs: number;
  },
): TimeLine {
  const endOf = ({ atMs, tookMs }: LoadedRead): number => atMs + tookMs;
  const ends = reads.map(endOf).toSorted((a, b) => a - b);
  const gaps = ends.map((end, index) => end - (ends[index - 1] ?? 0));
  const back = reads.filter(({ atMs, source }) => atMs >= healedMs && source === "cloud").map(endOf);
  return {
    outage,
    reads: reads.length,
    lost: reads.filter(({ status }) => status !== 200),
    silenceMs: Math.round(Math.max(...gaps)),
    slowestMs: Math.max(...reads.map(({ tookMs }) => tookMs)),
    backMs: Math.round(Math.min(...back) - healedMs),
    liveMs: Math.round(liveMs),
    picture: picture(reads.map((read) => ({ read, cell: Math.floor(endOf(read) / CELL_MS) }))),
  };
}

function picture(ended: readonly { readonly read: LoadedRead; readonly cell: number }[]): string {
  const length = Math.max(...ended.map(({ cell }) => cell)) + 1;
  return Array.from({ length }, (_, at) => {
    const here = ended.filter(({ cell }) => cell === at).map(({ read }) => read);
    if (here.length === 0) return "·";
    if (here.some(({ status }) => status !== 200)) return "x";
    return here.every(({ source }) => source === "cloud") ? "c" : "r";
  }).join("");
}
