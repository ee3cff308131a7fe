import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/**
 * Adds the process's figures under the names that prom-client gives them. Its own default set is not taken: its event
 * loop histogram wakes the process a hundred times a second and never ends.
 */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    registers,
    collect(): void {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent in seconds.",
    registers,
    collect(): void {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since unix epoch in seconds.",
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  new Gauge({
    name: "nodejs_eventloop_lag_seconds",
    help: "How long a callback waited for its turn at this scrape, in seconds.",
    registers,
    async collect(): Promise<void> {
      this.set(await turnSeconds());
    },
  });
}

function turnSeconds(): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve((performance.now() - startMs) / 1000)));
}
