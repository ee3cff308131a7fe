import process from "node:process";
import type { Family } from "./metrics_text.ts";

/** The process's figures, under the names that other programs' Prometheus libraries give them. */
export function processMetrics(): readonly Family[] {
  const startedAtSeconds = Math.round(Date.now() / 1000 - process.uptime());
  return [
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss()),
    {
      ...gauge("process_cpu_seconds_total", "User and system CPU time spent in seconds.", cpuSeconds),
      type: "counter",
    },
    gauge(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      () => startedAtSeconds,
    ),
    gauge(
      "nodejs_eventloop_lag_seconds",
      "How long a callback waited for its turn at this scrape, in seconds.",
      turnSeconds,
    ),
  ];
}

function gauge(name: string, help: string, read: () => number | Promise<number>): Family {
  return { name, help, type: "gauge", read: async () => [{ value: await read(), labels: [] }] };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function turnSeconds(): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve((performance.now() - startMs) / 1000)));
}
