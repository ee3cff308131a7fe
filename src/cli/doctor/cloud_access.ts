import { createJsonApi, type JsonApi } from "../../identity/json_api.ts";
import type { Platform } from "../../platform/platform.ts";
import type { ClientCredentials, Upstream, UpstreamOptions } from "../../platform/upstream.ts";
import type { LoadedIdentity } from "./doctor_identity.ts";

/** One API server and the node's way to it. */
export interface CloudServer {
  readonly origin: string;
  /** `host:port` */
  readonly host: string;
  readonly hostname: string;
  readonly port: number;
  readonly upstream: Upstream;
  /** A bearer token, where the node has no certificate. */
  readonly token: string | undefined;
  /** Whether whoever answers is taken for the server: there is no CA to know it by. */
  readonly unverified: boolean;
}

/** The API servers that answer, asked as the node; or why they cannot be. */
export type NodeApi = { readonly api: JsonApi } | { readonly why: string };

export interface CloudAccess {
  readonly servers: readonly CloudServer[];
  apiOf(origins: readonly string[]): NodeApi;
  close(): Promise<void>;
}

const closeGraceMs = 500;

/** Makes a client for each API server, with the node's identity; nothing is dialled yet. */
export function connect(
  { createUpstream, clock }: Pick<Platform, "createUpstream" | "clock">,
  { origins, loaded }: { readonly origins: readonly string[]; readonly loaded: LoadedIdentity },
): CloudAccess {
  const trust = trustOf(loaded);
  const token = loaded.state === "held" ? loaded.identity.token : undefined;
  const servers = origins.map((origin) => {
    const { host, hostname, port } = new URL(origin);
    return {
      origin,
      host,
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 443 : Number(port),
      upstream: createUpstream({ origin, ...trust }),
      token,
      unverified: trust.unverified === true,
    };
  });
  return {
    servers,
    apiOf: (answering) => {
      if (loaded.state === "missing") return { why: "the node has no identity" };
      if (loaded.state === "joining") return { why: "the node has not joined yet" };
      const asked = servers.filter(({ origin }) => answering.includes(origin));
      return { api: createJsonApi({ servers: asked, clock, token: () => token }) };
    },
    close: async () => {
      await Promise.all(servers.map(({ upstream }) => upstream.close(closeGraceMs)));
    },
  };
}

type Trust = ClientCredentials & Pick<UpstreamOptions, "serverName" | "unverified">;

/** Without an identity nobody's credential is shown, so that anybody may answer. */
function trustOf(loaded: LoadedIdentity): Trust {
  if (loaded.state === "missing") return { unverified: true };
  if (loaded.state === "joining") return loaded.ca === undefined ? { unverified: true } : { ca: loaded.ca };
  const { ca, cert, key, serverName } = loaded.identity;
  return {
    ...(serverName === undefined ? {} : { serverName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
