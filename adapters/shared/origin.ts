import type { ClientCredentials, UpstreamOptions } from "../../src/platform/upstream.ts";

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_CONNECTIONS = 32;
const DEFAULT_PING_INTERVAL_MS = 10_000;
const DEFAULT_PING_TIMEOUT_MS = 5_000;

/** Where an upstream is and with what limits it is spoken to. */
export interface Origin {
  readonly secure: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** Host and port as in the URL: what stands for a missing Host field. */
  readonly authority: string;
  readonly serverName: string;
  /** Whoever answers is taken for the server. */
  readonly unverified: boolean;
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** @throws TypeError where the origin is no http or https URL, or a client certificate would be shown to just anybody */
export function parseOrigin(options: UpstreamOptions): Origin {
  const url = new URL(options.origin);
  const secure = url.protocol === "https:";
  if (!secure && url.protocol !== "http:") throw new TypeError(`Cannot speak ${url.protocol} to an upstream`);
  if (options.unverified && options.cert !== undefined) {
    throw new TypeError("Cannot show a certificate to just anybody");
  }
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return {
    secure,
    hostname,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    serverName: options.serverName ?? hostname,
    unverified: options.unverified ?? false,
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    pingIntervalMs: options.pingIntervalMs ?? DEFAULT_PING_INTERVAL_MS,
    pingTimeoutMs: options.pingTimeoutMs ?? DEFAULT_PING_TIMEOUT_MS,
  };
}

/** The credentials alone, without what else stands beside them. */
export function credentialsOf(options: ClientCredentials): ClientCredentials {
  return {
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert }),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
}
