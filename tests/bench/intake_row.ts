import { join } from "node:path";
import type { BenchProcess } from "./bench_process.ts";
import type { Figure } from "./figures.ts";
import type { IntakeControlConfiguration } from "./intake_control_program.ts";
import type { PreparedResource } from "./prepared_cluster.ts";
import { readOnce } from "./raw_client.ts";
import { alternate, median } from "./rounds.ts";
import type { Runtime } from "./runtimes.ts";
import { Bench, type RunningCloud, type RunningHub, startCloud, startHub, stateOf } from "./servers.ts";

const pods: PreparedResource = { resource: "pods", kind: "Pod", count: 1_000, bytes: 1_470 };
const rounds = 5;
const events = 10_000;
const pollMs = 10;

/** How many events a second a reflector takes from the cloud until they are durable. */
export async function measureIntake(runtime: Runtime): Promise<readonly Figure[]> {
  return await Bench.run(runtime, async (bench) => {
    const clouds = [await startCloud(bench, [pods]), await startCloud(bench, [pods])] as const;
    const hub = await startHub(bench, clouds[0]);
    await readOnce(hub.port, "/api/v1/pods?resourceVersion=0"); // it is brought, and followed
    const control = await startControlReader(bench, clouds[1]);
    const rates = await alternate(rounds, {
      control: () => byControl(control, clouds[1]),
      hub: () => byHub(hub, clouds[0]),
    });
    return [{
      name: "events of 1.5 KB that a reflector takes, durable",
      unit: "events/s",
      hub: median(rates.hub),
      control: median(rates.control),
      better: "higher",
      target: { value: 5_000 },
      note: "control: node:http2, JSON.parse, the same rows in SQLite, unsealed",
    }];
  });
}

async function startControlReader(bench: Bench, { port, ca }: RunningCloud): Promise<BenchProcess> {
  const configuration: IntakeControlConfiguration = {
    origin: `https://127.0.0.1:${port}`,
    ca,
    database: join(bench.folder, "control.db"),
    count: events,
  };
  const control = await bench.startProgram("intake_control_program", { runtime: bench.runtime, configuration });
  await control.appears(/watches/);
  return control;
}

async function byControl(control: BenchProcess, cloud: RunningCloud): Promise<number> {
  const startedAt = performance.now();
  cloud.process.say(`burst ${events}`);
  await control.appears(/durable/);
  return events / ((performance.now() - startedAt) / 1_000);
}

/** Durable is what the store has taken: the hub says how much still waits for it. */
async function byHub(hub: RunningHub, cloud: RunningCloud): Promise<number> {
  const before = Number((await stateOf(hub)).resourceVersion);
  const startedAt = performance.now();
  cloud.process.say(`burst ${events}`);
  for (;;) {
    const { resourceVersion, pendingRows } = await stateOf(hub);
    if (resourceVersion === String(before + events) && pendingRows === 0) break;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return events / ((performance.now() - startedAt) / 1_000);
}
