import type { Figure } from "./figures.ts";
import { forgetPeak, peakBytes, residentBytes } from "./memory.ts";
import type { PreparedResource } from "./prepared_cluster.ts";
import { RawReader } from "./raw_client.ts";
import { alternate, median } from "./rounds.ts";
import type { Runtime } from "./runtimes.ts";
import { Bench, type RunningServer, startCloud, startControl, startHub } from "./servers.ts";

const pods: PreparedResource = { resource: "pods", kind: "Pod", count: 1_000, bytes: 4_900 };
const listPath = "/api/v1/pods?resourceVersion=0";
const clients = 4;
const rounds = 5;
const roundMs = 1_000;
const megabyte = 1_000_000;

/** A list of 4.9 MB to a client whose query is held, online and offline, four clients at once. */
export async function measureList(runtime: Runtime): Promise<readonly Figure[]> {
  return await Bench.run(runtime, async (bench) => {
    const control = await startControl(bench, pods);
    const cloud = await startCloud(bench, [pods]);
    const hub = await startHub(bench, cloud);
    await lists(hub, listPath);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = residentBytes(hub.process.pid);
    forgetPeak(hub.process.pid);
    const measure = () =>
      alternate(rounds, { control: () => lists(control, "/list"), hub: () => lists(hub, listPath) });
    const online = await measure();
    await cloud.cut();
    const offline = await measure();
    const peak = peakBytes(hub.process.pid) / megabyte;
    const figure = (name: string, { control, hub }: typeof online): Figure => ({
      name,
      unit: "lists/s",
      hub: median(hub),
      control: median(control),
      better: "higher",
      target: { ratio: 0.6 },
    });
    return [
      figure(`list of 4.9 MB from the replica, ${clients} clients, online`, online),
      figure("the same offline", offline),
      {
        name: "resident memory meanwhile, at its peak",
        unit: "MB",
        hub: peak,
        better: "lower",
        note: `${Math.round(before / megabyte)} MB before`,
      },
    ];
  });
}

/** @returns lists a second */
async function lists({ port }: RunningServer, path: string): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    const reader = await RawReader.open(port);
    while (performance.now() - startedAt < roundMs) {
      await reader.read(path);
      done++;
    }
    reader.close();
  }));
  return done / ((performance.now() - startedAt) / 1_000);
}
