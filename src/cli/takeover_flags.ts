import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";
import { workingModeOf } from "./hub_link_options.ts";
import { UsageError } from "./usage_error.ts";

/** Flags of an update without an outage. */
export const takeoverFlags: readonly Flag[] = [
  {
    name: "takeover",
    type: "boolean",
    default: "false",
    help: "take the node over from the hub that runs on the same --root-dir, if one does, without an outage",
    group: "Update",
  },
];

/** @throws UsageError in cloud mode, which leaves nothing on disk by which another hub could be found */
export function wantsTakeover(values: FlagValues): boolean {
  if (!values.boolean("takeover")) return false;
  if (workingModeOf(values) === "edge") return true;
  throw new UsageError("--takeover and --working-mode=cloud do not go together: stop the old hub first");
}
