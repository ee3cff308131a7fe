import { serverOrigin } from "./address.ts";
import type { FlagValues } from "./flag_values.ts";
import { UsageError } from "./usage_error.ts";

/** Those of `--server-addr`, each once, in their order. @throws UsageError */
export function cloudOrigins(values: FlagValues): readonly string[] {
  const origins = values.list("server-addr").map((address) => {
    const result = serverOrigin(address);
    if ("problem" in result) throw new UsageError(`Invalid value "${address}" of --server-addr: it ${result.problem}`);
    return result.origin;
  });
  return [...new Set(origins)];
}
