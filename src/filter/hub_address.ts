import type { JsonObject } from "../kube/json_equal.ts";
import { textAt, withMember, withObjects } from "./read_object.ts";

/** Where pods reach the hub's TLS port. */
export interface HubAddress {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** Ports with the one that is named `https` at the hub's. */
export function withHubPort(ports: unknown, { port }: HubAddress): unknown {
  return withObjects(ports, (one: JsonObject) => textAt(one, "name") === "https" ? withMember(one, "port", port) : one);
}
