import { Counter, Gauge, Registry } from "prom-client";
import type { Counter as CounterPort, GaugeValue, Metrics } from "../../src/platform/metrics.ts";
import { addProcessMetrics } from "./process_metrics.ts";

/** Makes a registry of its own on prom-client, with the process's memory, CPU time and event loop lag in it. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<string, { readonly counter: CounterPort; readonly labels: string }>();
  const failures = new Counter({
    name: "holdfast_metrics_read_failures_total",
    help: "Gauges that could not be read at a scrape and are missing from it.",
    registers: [registry],
  });
  addProcessMetrics(registry);
  return {
    counter(name, help, labels = []): CounterPort {
      const known = counters.get(name);
      if (known === undefined) {
        const counter = createCounter(registry, { name, help, labels });
        counters.set(name, { counter, labels: labels.join() });
        return counter;
      }
      if (known.labels !== labels.join()) {
        throw new RangeError(`Cannot declare counter ${name} again with other labels`);
      }
      return known.counter;
    },
    gauge: (...[name, help, labels, read]): void =>
      addGauge(registry, { name, help, labels, read, failed: () => failures.inc() }),
    async render(): Promise<{ readonly contentType: string; readonly text: string }> {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

interface Declaration {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

function createCounter(registry: Registry, { name, help, labels }: Declaration): CounterPort {
  const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
  return { add: (amount, values = {}) => counter.inc({ ...values }, amount) };
}

function addGauge(
  registry: Registry,
  options: Declaration & { readonly read: () => Iterable<GaugeValue>; readonly failed: () => void },
): void {
  const { name, help, labels, read, failed } = options;
  new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect(): void {
      this.reset();
      try {
        for (const { value, labels: values = {} } of read()) this.set({ ...values }, value);
      } catch {
        // One broken gauge must not hide all others: it is counted, and missing.
        this.remove();
        failed();
      }
    },
  });
}
