import { measureFanOut } from "./fan_out_row.ts";
import type { Figure } from "./figures.ts";
import { measureIdle } from "./idle_row.ts";
import { measureIntake } from "./intake_row.ts";
import { measureList } from "./list_row.ts";
import { measureRestart } from "./restart_row.ts";
import type { Runtime } from "./runtimes.ts";
import { measureWatchList } from "./watch_list_row.ts";

/** The figures of the replica, in the order of the table. */
export async function measureReplica(
  runtime: Runtime,
  report: (figures: readonly Figure[]) => void,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const take = (more: readonly Figure[]): void => {
    report(more);
    figures.push(...more);
  };
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => end = resolve);
  const idle = measureIdle(runtime, over);
  idle.catch(() => undefined); // awaited below
  try {
    for (const measure of [measureWatchList, measureFanOut, measureIntake, measureRestart, measureList]) {
      take(await measure(runtime));
    }
  } finally {
    end();
  }
  take(await idle);
  return figures;
}
