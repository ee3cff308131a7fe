import type { Figure } from "./figures.ts";
import { forgetPeak, peakBytes, residentBytes } from "./memory.ts";
import type { PreparedResource } from "./prepared_cluster.ts";
import { openConnection } from "./raw_client.ts";
import { alternate, median } from "./rounds.ts";
import { Bench, type RunningServer, startCloud, startControl, startHub } from "./servers.ts";
import type { Runtime } from "./runtimes.ts";

const pods: PreparedResource = { resource: "pods", kind: "Pod", count: 2_000, bytes: 5_000 };
/** As kubelet asks; the version spares the question to the cloud. */
const watchListPath =
  "/api/v1/pods?allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0&watch=true";
const rounds = 7;
const perRound = 8;
/** Time for what the start has left to go. */
const settleMs = 2_000;
const megabyte = 1_000_000;

/** A WatchList of 2,000 pods of 5 KB to one client: hot, then with next to no memory for hot objects. */
export async function measureWatchList(runtime: Runtime): Promise<readonly Figure[]> {
  const hot = await measure(runtime, []);
  const cold = await measure(runtime, ["--cache-memory-max-bytes=1KiB"]);
  const name = "WatchList of 2,000 pods of 5 KB to one client";
  return [
    {
      name: `${name}, hot`,
      unit: "MB/s",
      hub: hot.hub.rate,
      control: hot.control.rate,
      better: "higher",
      target: { ratio: 0.6 },
      orientation: 300,
    },
    {
      name: "its first byte",
      unit: "ms",
      hub: hot.hub.first,
      control: hot.control.first,
      better: "lower",
      target: { value: 20 },
    },
    { name: "memory above what it was before", unit: "MB", hub: hot.grown, better: "lower", target: { value: 20 } },
    {
      name: `${name}, cold (sealed, on disk)`,
      unit: "MB/s",
      hub: cold.hub.rate,
      control: cold.control.rate,
      better: "higher",
    },
    {
      name: "its memory above what it was before",
      unit: "MB",
      hub: cold.grown,
      better: "lower",
      target: { value: 20 },
    },
  ];
}

interface WatchListRound {
  /** MB/s from the first byte on. */
  readonly rate: number;
  /** Milliseconds to the first byte. */
  readonly first: number;
}

async function measure(runtime: Runtime, flags: readonly string[]) {
  return await Bench.run(runtime, async (bench) => {
    const control = await startControl(bench, pods);
    const hub = await startHub(bench, await startCloud(bench, [pods]), flags);
    await readWatchList(hub, watchListPath); // it is brought from the cloud
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const before = residentBytes(hub.process.pid);
    forgetPeak(hub.process.pid);
    const measured = await alternate(rounds, {
      control: () => readRound(control, "/watchlist"),
      hub: () => readRound(hub, watchListPath),
    });
    const grown = (peakBytes(hub.process.pid) - before) / megabyte;
    const of = (each: readonly WatchListRound[]): WatchListRound => ({
      rate: median(each.map(({ rate }) => rate)),
      first: median(each.map(({ first }) => first)),
    });
    return { control: of(measured.control), hub: of(measured.hub), grown };
  });
}

async function readRound(server: RunningServer, path: string): Promise<WatchListRound> {
  let bytes = 0;
  let ms = 0;
  const firsts: number[] = [];
  for (let read = 0; read < perRound; read++) {
    const once = await readWatchList(server, path);
    bytes += once.bytes;
    ms += once.ms - once.firstMs;
    firsts.push(once.firstMs);
  }
  return { rate: bytes / megabyte / (ms / 1_000), first: median(firsts) };
}

/** Reads up to the bookmark that ends the initial events. */
async function readWatchList({ port }: RunningServer, path: string) {
  let bytes = 0;
  let firstMs = 0;
  let done: () => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;
  const complete = new Promise<void>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  let startedAt = 0;
  let tail = "";
  const connection = await openConnection({
    port,
    failed,
    received: (piece) => {
      if (bytes === 0) firstMs = performance.now() - startedAt;
      bytes += piece.length;
      tail = (tail + new TextDecoder().decode(piece.subarray(-400))).slice(-400);
      if (tail.includes("initial-events-end")) done();
    },
  });
  startedAt = performance.now();
  connection.get(path);
  await complete;
  const ms = performance.now() - startedAt;
  connection.close();
  return { bytes, ms, firstMs };
}
