import type { Counter, Metrics, MetricValue } from "../../src/platform/metrics.ts";
import { type Family, METRICS_CONTENT_TYPE, metricsText, type Sample } from "./metrics_text.ts";
import { processMetrics } from "./process_metrics.ts";

/**
 * Makes a registry of its own, with the process's memory, CPU time and event loop lag in it. Written by hand: the usual
 * library costs a node 50 ms of its start and 4 MB.
 */
export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const counters = new Map<string, SummingCounter>();
  for (const family of processMetrics()) families.set(family.name, family);
  const counter: Metrics["counter"] = (name, help, labels = []) => {
    const known = counters.get(name);
    if (known !== undefined) {
      if (known.labels.join() === labels.join()) return known;
      throw new RangeError(`Cannot declare counter ${name} again with other labels`);
    }
    const made = new SummingCounter(name, labels);
    counters.set(name, made);
    declare(families, { name, help, type: "counter", read: () => made.samples() });
    return made;
  };
  const failures = counter(
    "holdfast_metrics_read_failures_total",
    "Metrics that could not be read at a scrape and are missing from it.",
  );
  const declareRead = (type: Family["type"], ...[name, help, labels, read]: Parameters<Metrics["gauge"]>): void => {
    const samples = () => samplesOf({ labels, read, failed: () => failures.add(1) });
    declare(families, { name, help, type, read: samples });
  };
  return {
    counter,
    gauge: (...reading): void => declareRead("gauge", ...reading),
    counted: (...reading): void => declareRead("counter", ...reading),
    render: async () => ({ contentType: METRICS_CONTENT_TYPE, text: await metricsText(families.values()) }),
  };
}

function declare(families: Map<string, Family>, family: Family): void {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(family.name)) throw new RangeError(`No name of a metric: ${family.name}`);
  if (families.has(family.name)) throw new RangeError(`Cannot declare ${family.name} again`);
  families.set(family.name, family);
}

class SummingCounter implements Counter {
  readonly labels: readonly string[];
  readonly #name: string;
  /** By the values of the labels. */
  readonly #sums = new Map<string, { value: number; readonly labels: Sample["labels"] }>();

  constructor(name: string, labels: readonly string[]) {
    this.#name = name;
    this.labels = labels;
    if (labels.length === 0) this.add(0); // it is there before its first event
  }

  add(amount: number, values: Readonly<Record<string, string>> = {}): void {
    if (!(amount >= 0)) throw new RangeError(`Counter ${this.#name} only grows: ${amount}`);
    const labels = labelsOf(this.labels, values);
    const key = JSON.stringify(labels);
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { value: amount, labels });
    else sum.value += amount;
  }

  samples(): readonly Sample[] {
    return [...this.#sums.values()];
  }
}

interface Reading {
  readonly labels: readonly string[];
  readonly read: () => Iterable<MetricValue>;
  readonly failed: () => void;
}

/** One that is broken must not hide all others: it is counted, and missing. */
function samplesOf({ labels, read, failed }: Reading): readonly Sample[] {
  try {
    return Array.from(read(), ({ value, labels: values = {} }) => ({ value, labels: labelsOf(labels, values) }));
  } catch {
    failed();
    return [];
  }
}

/** @throws RangeError for a label that was not declared */
function labelsOf(names: readonly string[], values: Readonly<Record<string, string>>): Sample["labels"] {
  for (const name of Object.keys(values)) {
    if (!names.includes(name)) throw new RangeError(`Unknown label ${name}: only ${names.join(", ")} are declared`);
  }
  return names.flatMap((name) => values[name] === undefined ? [] : [[name, values[name]] as const]);
}
