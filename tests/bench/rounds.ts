/** The middle one; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest value that is at least as large as the given share of all. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export interface Measured<T> {
  readonly control: readonly T[];
  readonly hub: readonly T[];
}

/** Measures the control and the hub in turn, so that what else the machine does falls on both. The first turn warms up. */
export async function alternate<T>(
  rounds: number,
  measure: { readonly control: () => Promise<T>; readonly hub: () => Promise<T> },
): Promise<Measured<T>> {
  const control: T[] = [];
  const hub: T[] = [];
  for (let round = 0; round <= rounds; round++) {
    const ofControl = await measure.control();
    const ofHub = await measure.hub();
    if (round === 0) continue;
    control.push(ofControl);
    hub.push(ofHub);
  }
  return { control, hub };
}
