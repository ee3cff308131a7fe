import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Figure } from "./figures.ts";
import { PreparedCluster, type PreparedResource } from "./prepared_cluster.ts";
import { readOnce } from "./raw_client.ts";
import { alternate, median } from "./rounds.ts";
import { commandOf, projectFolder, type Runtime } from "./runtimes.ts";
import { Bench, type RunningCloud, startCloud, startHub, stateOf } from "./servers.ts";

const pods: PreparedResource = { resource: "pods", kind: "Pod", count: 10_000, bytes: 1_470 };
const rounds = 5;
const listPath = "/api/v1/pods?resourceVersion=0";

interface Restart {
  /** Milliseconds from the start of the process to the first byte of a right answer, and to its last. */
  readonly first: number;
  readonly last: number;
}

/** A hub that is started without the cloud, with 10,000 objects on disk, after a kill -9: until a list of them is answered. */
export async function measureRestart(runtime: Runtime): Promise<readonly Figure[]> {
  return await Bench.run(runtime, async (bench) => {
    const cloud = await startCloud(bench, [pods]);
    const bytes = await fill(bench, cloud);
    await cloud.cut();
    const file = join(bench.folder, "list.json");
    await writeFile(file, new PreparedCluster([pods]).of("pods").list());
    const measured = await alternate(rounds, {
      control: () => restartControl(bench, file),
      hub: () => restartHub(bench, { cloud, bytes }),
    });
    const of = (each: readonly Restart[], which: keyof Restart) => median(each.map((one) => one[which]));
    const figure = (name: string, which: keyof Restart): Figure => ({
      name,
      unit: "ms",
      hub: of(measured.hub, which),
      control: of(measured.control, which),
      better: "lower",
      target: { value: 1_000 },
    });
    return [
      figure("restart offline with 10,000 objects on disk: first byte of the list of all", "first"),
      figure("the same, its last byte", "last"),
    ];
  });
}

/** @returns bytes of the list of everything */
async function fill(bench: Bench, cloud: RunningCloud): Promise<number> {
  const hub = await startHub(bench, cloud);
  const { bytes } = await readOnce(hub.port, listPath);
  while ((await stateOf(hub)).pendingRows > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  await hub.process.end("SIGKILL");
  return bytes;
}

async function restartHub(
  bench: Bench,
  { cloud, bytes }: { readonly cloud: RunningCloud; readonly bytes: number },
): Promise<Restart> {
  const startedAt = performance.now();
  const hub = await startHub(bench, cloud);
  const listening = performance.now() - startedAt;
  const answer = await readOnce(hub.port, listPath);
  await hub.process.end("SIGKILL");
  if (answer.bytes !== bytes) throw new Error(`The restarted hub's list has ${answer.bytes} bytes, not ${bytes}`);
  return { first: listening + answer.firstMs, last: listening + answer.ms };
}

async function restartControl(bench: Bench, file: string): Promise<Restart> {
  const startedAt = performance.now();
  const control = bench.start([
    ...commandOf(bench.runtime),
    join(projectFolder, "tests/bench/file_control_program.ts"),
    file,
  ]);
  const [, port] = await control.appears(/listens on (\d+)/);
  const listening = performance.now() - startedAt;
  const answer = await readOnce(Number(port), "/");
  await control.end();
  return { first: listening + answer.firstMs, last: listening + answer.ms };
}
