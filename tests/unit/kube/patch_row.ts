import type { PatchRefusalCode } from "../../../src/kube/patch_refusal.ts";

/** One patch, and what the API server makes of it; `tests/cluster/patches_test.ts` asks it. */
export interface PatchRow {
  readonly name: string;
  readonly object: "node" | "pod" | "event" | "newEvent";
  /** @default {"strategic"} */
  readonly type?: "strategic" | "merge" | "json";
  readonly patch: unknown;
  /** What is different afterwards, by path; undefined for what is gone. */
  readonly want?: Readonly<Record<string, unknown>>;
  /** Or: it is not applied. */
  readonly refused?: PatchRefusalCode;
}
