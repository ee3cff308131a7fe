/** One value with its labels, in their order. */
export interface Sample {
  readonly value: number;
  readonly labels: readonly (readonly [name: string, value: string])[];
}

/** All values of one name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** At each scrape. */
  readonly read: () => readonly Sample[] | Promise<readonly Sample[]>;
}

/** The content type of the text. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Writes values in the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export async function metricsText(families: Iterable<Family>): Promise<string> {
  const blocks: string[] = [];
  for (const { name, help, type, read } of families) {
    const lines = (await read()).map((sample) => `${name}${labelsText(sample.labels)} ${numberText(sample.value)}`);
    blocks.push([`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n"));
  }
  return blocks.join("\n");
}

function labelsText(labels: Sample["labels"]): string {
  if (labels.length === 0) return "";
  return `{${labels.map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`).join(",")}}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
