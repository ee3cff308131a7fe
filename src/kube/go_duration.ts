const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
};

/**
 * Reads a duration as Go's time.ParseDuration: "1h15m", "1.5s", "300ms", "0".
 *
 * @returns milliseconds; undefined where it is none
 */
export function parseGoDuration(text: string): number | undefined {
  const match = /^([+-])?(.+)$/.exec(text);
  const parts = match?.[2] ?? "";
  if (parts === "0") return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(parts)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of parts.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    ms += Number(amount) * (unitMs[unit ?? ""] ?? Number.NaN);
  }
  return match?.[1] === "-" ? -ms : ms;
}
