/** One figure of the hub beside the same figure of the control. */
export interface Figure {
  /** What was measured, for the table. */
  readonly name: string;
  readonly unit: string;
  readonly hub: number;
  /** Missing where there is nothing to compare it with. */
  readonly control?: number;
  readonly better: "higher" | "lower";
  /** What must be reached: a share of the control, or a value of its own. Missing where it is only reported. */
  readonly target?: { readonly ratio: number } | { readonly value: number };
  /** A value for orientation. */
  readonly orientation?: number;
  /** What else the table should say. */
  readonly note?: string;
}

/** How the hub stands to the control: 1 is equal, more is better. */
export function ratioOf({ hub, control, better }: Figure): number | undefined {
  if (control === undefined) return undefined;
  return better === "higher" ? hub / control : control / hub;
}

/** Whether the target is reached; undefined where there is none. */
export function isReached(figure: Figure): boolean | undefined {
  const { target, hub, better } = figure;
  if (target === undefined) return undefined;
  if ("ratio" in target) return (ratioOf(figure) ?? 0) >= target.ratio;
  return better === "higher" ? hub >= target.value : hub <= target.value;
}

/** A value with as many digits as matter: `1,234`, `12.3`. */
export function shown(value: number, unit: string): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return `${value.toLocaleString("en-US", { maximumFractionDigits: digits })} ${unit}`;
}
