import { outages, OutageScene, type TimeLine } from "../cluster/driver/outage.ts";
import type { Figure } from "./figures.ts";
import type { Runtime } from "./runtimes.ts";

const times = { lastsMs: 10_000, afterMs: 4_000 };

/** What a client of the hub notices of each way in which the cloud can be out of reach, before the real API server. */
export async function measureOutage(
  runtime: Runtime,
  report: (figures: readonly Figure[]) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const scene = await OutageScene.start(runtime);
  try {
    for (const outage of outages) {
      const line = await scene.measure(outage, times);
      console.log(`  ${outage.name.padEnd(36)} ${line.picture}`);
      const more = figuresOf(line);
      report(more);
      figures.push(...more);
    }
  } finally {
    await scene.stop();
  }
  return figures;
}

function figuresOf(
  { outage, reads, lost, silenceMs, slowestMs, backMs, liveMs, picture }: TimeLine,
): readonly Figure[] {
  const better = "lower";
  return [
    { name: `${outage}: lost of ${reads} reads`, unit: "", hub: lost.length, better, target: { value: 0 } },
    { name: `${outage}: longest silence`, unit: "ms", hub: silenceMs, better, target: { value: 2_500 }, note: picture },
    { name: `${outage}: slowest read`, unit: "ms", hub: slowestMs, better },
    {
      name: `${outage}: from its end to the cloud's own answer`,
      unit: "ms",
      hub: backMs,
      better,
      target: { value: 2_000 },
    },
    { name: `${outage}: until the replica is live again`, unit: "ms", hub: liveMs, better },
  ];
}
