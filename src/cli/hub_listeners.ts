import type { Hub } from "../hub/hub.ts";
import type { Listener } from "../platform/listener.ts";
import type { CommandContext } from "./command.ts";
import type { FlagValues } from "./flag_values.ts";
import { listenOn } from "./listen_on.ts";

/** Connections of one port beside those that have a request that goes on. */
const idleConnections = 256;

export interface Listening extends Pick<CommandContext, "platform" | "values"> {
  readonly hub: Hub;
}

/** Opens the plain port and the status server. @throws Error that names the flag to change */
export async function listen(
  { platform, values, hub }: Listening,
): Promise<Readonly<Record<"plain" | "status", Listener>>> {
  const plain = await listenOn({
    listen: platform.listen,
    hostname: values.string("bind-proxy-address"),
    port: values.integer("proxy-port"),
    handle: hub.handle,
    maxConnections: maxConnections(values),
    addressFlag: "bind-proxy-address",
    portFlag: "proxy-port",
  });
  const status = await listenOn({
    listen: platform.listen,
    hostname: values.string("bind-address"),
    port: values.integer("serve-port"),
    handle: hub.handleStatus,
    addressFlag: "bind-address",
    portFlag: "serve-port",
  });
  return { plain, status };
}

/** Of a port that answers requests of the API: each that may go on can have a connection of its own. */
export function maxConnections(values: FlagValues): number {
  return values.integer("max-requests-in-flight") + values.integer("max-watches") + idleConnections;
}
