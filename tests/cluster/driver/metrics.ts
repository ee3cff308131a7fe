import type { ApiClient } from "./api_client.ts";

/** The sum of a metric over all its series that have these labels, as `/metrics` says now. */
export async function metricSum(
  api: ApiClient,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { text } = await api("/metrics");
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let sum = 0;
  for (const line of text.split("\n")) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const own = new Set(match[2]?.split(/,(?=\w+=")/) ?? []);
    if (wanted.every((label) => own.has(label))) sum += Number(match[3]);
  }
  return sum;
}
