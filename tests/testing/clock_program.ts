import process from "node:process";
import { clock } from "../../adapters/shared/clock.ts";

/** Sets timers that nobody waits for, and ends. */
clock.setTimer(60_000, () => undefined);
clock.sleep(60_000, new AbortController().signal).catch(() => undefined);
process.stdout.write("set\n");
