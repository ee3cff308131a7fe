import type { DummyInterface } from "../hub/dummy_interface.ts";
import { dummyIps } from "../identity/certificate_template.ts";
import { isIpAddress } from "./address.ts";
import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flag_values.ts";

const group = "Network";

/** Flags of how pods reach the hub. */
export const networkFlags: readonly Flag[] = [
  {
    name: "enable-dummy-if",
    type: "boolean",
    default: "true",
    help:
      "a dummy interface, by whose address pods reach the TLS proxy (Linux, as root); without it only those in the " +
      "host's network do",
    group,
  },
  {
    name: "dummy-if-name",
    type: "string",
    default: "yurthub-dummy0",
    placeholder: "NAME",
    help: "name of the dummy interface",
    group,
    check: (text) => /^[^\s/:]{1,15}$/.test(text) ? undefined : "must be a name of at most 15 characters",
  },
  {
    name: "dummy-if-ip",
    type: "string",
    default: "",
    defaultHelp: `${dummyIps[0]}, or ${dummyIps[1]} where --bind-proxy-address is IPv6`,
    placeholder: "IP",
    help: "address of the dummy interface: link-local but not of 169.254.31.0/24, or IPv6",
    group,
    check: checkDummyIp,
  },
  {
    name: "enable-iptables",
    type: "boolean",
    default: "true",
    help: "rules that let pods through to the dummy interface, by iptables-restore of the variant that the node uses",
    group,
  },
  {
    name: "keep-network",
    type: "boolean",
    default: "false",
    help: "dummy interface and rules stay when the hub stops",
    group,
  },
];

/** The interface that the flags describe, whether it is wanted or not. */
export function dummyInterfaceOf(values: FlagValues): DummyInterface {
  const isV6 = values.string("bind-proxy-address").includes(":");
  const ip = values.string("dummy-if-ip") || dummyIps[isV6 ? 1 : 0];
  return { name: values.string("dummy-if-name"), ip: asWritten(ip) };
}

/** An address in the one form in which the system writes it (RFC 5952). */
function asWritten(ip: string): string {
  return ip.includes(":") ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip.split(".").map(Number).join(".");
}

function checkDummyIp(text: string): string | undefined {
  if (text === "") return undefined;
  if (!isIpAddress(text)) return "must be an IP address";
  if (text.includes(":")) return undefined;
  const ip = asWritten(text);
  if (!ip.startsWith("169.254.")) return "must be of 169.254.0.0/16, or IPv6";
  if (ip.startsWith("169.254.31.") || ip === "169.254.1.1") {
    return "must not be 169.254.1.1 or of 169.254.31.0/24, which others use";
  }
  return undefined;
}
