/** Counters and gauges, behind a port because the library needs Node's APIs. */
export interface Metrics {
  /** Declares a counter; the same name gives the same one. */
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  /** Declares a gauge that is read at each scrape. */
  gauge(name: string, help: string, labels: readonly string[], read: () => Iterable<MetricValue>): void;
  /** Declares a counter that somebody else counts; it is read at each scrape. */
  counted(name: string, help: string, labels: readonly string[], read: () => Iterable<MetricValue>): void;
  /** The Prometheus text format and its content type. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** A sum that only grows. */
export interface Counter {
  add(amount: number, labels?: Readonly<Record<string, string>>): void;
}

/** One value that was read, with its labels. */
export interface MetricValue {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}
