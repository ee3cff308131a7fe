/** From what, and when, what runs here was built. */
export interface BuildData {
  /** All 40 digits. */
  readonly gitCommit: string;
  /** `dirty` where files were changed beside what the commit has. */
  readonly gitTreeState: string;
  /** In UTC: `2026-01-02T03:04:05Z`. */
  readonly buildDate: string;
}

/** Set by the build (tests/checks/build_data.ts); a checkout that runs from its sources has none. */
declare const HOLDFAST_BUILD: BuildData | undefined;

const unknown = "unknown";

/** Of this program; what is not known is `unknown`. */
export const buildData: BuildData = typeof HOLDFAST_BUILD === "undefined"
  ? { gitCommit: unknown, gitTreeState: unknown, buildDate: unknown }
  : HOLDFAST_BUILD;
