import { isIpAddress, isLoopbackAddress, serverOrigin } from "./address.ts";
import { commonFlags, logFlags } from "./common_flags.ts";
import type { Flag } from "./flag.ts";
import { filterFlags } from "./filter_flags.ts";
import { identityFlags } from "./identity_flags.ts";
import { ignoredFlags } from "./ignored_flags.ts";
import { linkFlags } from "./link_flags.ts";
import { networkFlags } from "./network_flags.ts";
import { takeoverFlags } from "./takeover_flags.ts";

const port = { type: "integer", minimum: 0, maximum: 65_535, placeholder: "PORT" } as const;

const atOnce = { type: "integer", minimum: 1, maximum: 100_000, placeholder: "N", group: "Listeners" } as const;

/** Flags of `holdfast hub`: names, defaults and forms of the documents' set, and ours. */
export const hubFlags: readonly Flag[] = [
  {
    name: "server-addr",
    type: "list",
    default: "",
    placeholder: "HOST:PORT",
    help: "addresses of the API servers, of one cluster; https is added where missing",
    group: "Cloud",
    required: true,
    check: checkServer,
  },
  {
    name: "cloud-read-timeout",
    type: "duration",
    unit: "s",
    default: "2s",
    help: "a read that the cloud has not answered by then is answered by the replica, where that can",
    group: "Cloud",
  },
  {
    name: "node-name",
    type: "string",
    default: "",
    placeholder: "NAME",
    help: "name of this node",
    group: "Node",
    required: true,
    variable: "NODE_NAME",
  },
  {
    name: "bind-proxy-address",
    type: "string",
    default: "127.0.0.1",
    placeholder: "IP",
    help: "address of the plain proxy; only loopback is allowed, for it speaks with the node's identity",
    group: "Listeners",
    check: (text) =>
      isLoopbackAddress(text) ? undefined : "must be a loopback address: the plain proxy asks nobody who he is",
  },
  {
    ...port,
    name: "proxy-port",
    default: "10261",
    help: "port of the plain proxy; 0 picks a free one",
    group: "Listeners",
  },
  {
    ...port,
    name: "proxy-secure-port",
    default: "10268",
    help: "port of the TLS proxy, for callers with a service account's token; 0 picks a free one",
    group: "Listeners",
  },
  {
    name: "plain-allow-uid",
    type: "list",
    default: "",
    defaultHelp: "root and the hub's own",
    placeholder: "UID",
    help: "user ids whose processes may use the plain proxy (Linux)",
    group: "Listeners",
    check: (text) => /^\d+$/.test(text) ? undefined : "must be numeric user ids",
  },
  {
    name: "bind-address",
    type: "string",
    default: "127.0.0.1",
    placeholder: "IP",
    help: "address of the status server",
    group: "Listeners",
    check: (text) => isIpAddress(text) ? undefined : "must be an IP address",
  },
  {
    ...port,
    name: "serve-port",
    default: "10267",
    help: "port of the status server; 0 picks a free one",
    group: "Listeners",
  },
  {
    name: "root-dir",
    type: "string",
    default: "/var/lib/holdfast",
    placeholder: "DIR",
    help: "keys and state",
    group: "Storage",
  },
  {
    name: "disk-cache-path",
    type: "string",
    default: "",
    defaultHelp: "<root-dir>/cache",
    placeholder: "DIR",
    help: "where the replica is kept",
    group: "Storage",
  },
  {
    name: "cache-max-bytes",
    type: "bytes",
    default: "1GiB",
    help: "objects kept on disk; past it what was read least recently goes, but never while the link is cut",
    group: "Storage",
  },
  {
    name: "cache-memory-max-bytes",
    type: "bytes",
    default: "32MiB",
    help: "hot objects kept in memory beside the disk",
    group: "Storage",
  },
  {
    name: "outbox-max-bytes",
    type: "bytes",
    default: "64MiB",
    help: "the node's own writes that wait for the cloud while it is out of reach; past it they are refused",
    group: "Storage",
  },
  {
    name: "offline-token-grace",
    type: "duration",
    unit: "m",
    default: "0",
    help: "how long a kept service account token is given out after its end, while the cloud is out of reach",
    group: "Storage",
  },
  {
    name: "collection-idle",
    type: "duration",
    unit: "m",
    default: "10m",
    help: "how long what nobody reads is kept up to date",
    group: "Storage",
  },
  {
    name: "gc-frequency",
    type: "duration",
    unit: "m",
    default: "120",
    help: "how long the node's Events are kept that nobody renews, while the cloud answers; 0 is 60 minutes",
    group: "Storage",
  },
  {
    name: "min-request-timeout",
    type: "duration",
    unit: "m",
    default: "30m",
    help: "a watch without timeoutSeconds lasts one to two times this",
    group: "Listeners",
  },
  {
    name: "profiling",
    type: "boolean",
    default: "true",
    help: "/debug/… on the status server: PUT /debug/flags/v changes --v while the hub runs",
    group: "Listeners",
  },
  {
    ...atOnce,
    name: "max-requests-in-flight",
    default: "250",
    help: "short requests at once; further ones get 429. One client may have two thirds, a quarter is for the system's",
  },
  {
    ...atOnce,
    name: "max-watches",
    default: "2000",
    help: "watches, followed logs, exec and the like at once; further ones get 429, shares as above",
  },
  {
    name: "storage-key-file",
    type: "string",
    default: "",
    defaultHelp: "the systemd credential holdfast-storage-key, else <root-dir>/storage.key, made where missing",
    placeholder: "FILE",
    help: "32 bytes that the replica is encrypted with",
    group: "Storage",
  },
  ...identityFlags,
  ...linkFlags,
  ...filterFlags,
  ...networkFlags,
  ...takeoverFlags,
  ...ignoredFlags,
  ...commonFlags,
  ...logFlags,
];

function checkServer(text: string): string | undefined {
  const result = serverOrigin(text);
  return "problem" in result ? result.problem : undefined;
}
