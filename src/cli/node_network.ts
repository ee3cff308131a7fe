import { NodeNetwork } from "../hub/node_network.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { FlagValues } from "./flag_values.ts";
import { dummyInterfaceOf } from "./network_flags.ts";
import { UsageError } from "./usage_error.ts";

export interface NodeNetworkSource {
  readonly platform: Platform;
  readonly values: FlagValues;
  readonly logger: Logger;
  /** Of the TLS proxy on the interface; 0 while it is not known. */
  readonly port: () => number;
}

/**
 * Sets the node's network as the flags say.
 *
 * @returns nothing where no interface is wanted
 * @throws UsageError where it cannot be set, and was asked for: what is only on by default is told, and does without
 */
export async function openNodeNetwork(source: NodeNetworkSource): Promise<NodeNetwork | undefined> {
  const { platform: { commands, clock }, values, logger, port } = source;
  if (!values.boolean("enable-dummy-if")) return undefined;
  const network = new NodeNetwork({
    ...{ commands, clock, logger, port },
    dummy: dummyInterfaceOf(values),
    rules: values.boolean("enable-iptables"),
    keep: values.boolean("keep-network"),
  });
  await network.ensure();
  const asked = [["enable-dummy-if", network.dummyProblem], ["enable-iptables", network.rulesProblem]] as const;
  for (const [flag, problem] of asked) {
    if (problem === undefined || values.source(flag) === "default") continue;
    await network.close();
    throw new UsageError(`--${flag}=true cannot be had: ${problem}`);
  }
  return network;
}
