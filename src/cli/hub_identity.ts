import type { BackendOptions } from "../cloud/backend.ts";
import type { NodeIdentity } from "../identity/kubeconfig.ts";
import { spkiHashes } from "../identity/spki_hash.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { ClientCredentials, Upstream } from "../platform/upstream.ts";

export interface HubIdentityOptions {
  readonly platform: Platform;
  /** Reads it: once at the start, and again whenever one of its files has changed. @throws KubeconfigError, FileError */
  readonly load: () => Promise<NodeIdentity>;
  /** Origins of the API servers; one that a kubeconfig names is not used. */
  readonly origins: readonly string[];
  readonly logger: Logger;
}

/** The node's way to the cloud. */
export interface HubIdentity {
  /** One for each origin, in their order. */
  readonly backends: readonly BackendOptions[];
  readonly authorization: () => string | undefined;
  /** The CA that is trusted now, PEM; missing where the system's CAs are. */
  readonly ca: () => string | undefined;
  /** Of the CA's keys; empty where the system's CAs are trusted. */
  readonly caHashes: readonly string[];
  /** Called when the files were read again, with the CA's hashes. */
  onCa(listener: (caHashes: readonly string[]) => void): void;
  /** Reads the files now. What cannot be used is logged, and changes nothing. */
  reload(): Promise<void>;
  /** Stops following the files, and closes all connections' pools. */
  close(): Promise<void>;
}

const closeGraceMs = 1000;

/**
 * Reads the node's identity, and again whenever one of its files changes: new requests then travel with the new certificate
 * or token, and none that is under way is cut. What cannot be read then is logged, and the identity stays as it was.
 *
 * @throws KubeconfigError, FileError
 */
export async function openHubIdentity(options: HubIdentityOptions): Promise<HubIdentity> {
  const { platform, load, origins, logger } = options;
  const { files } = platform;
  const closing = new AbortController();
  let identity = await load();
  const ways = origins.map((origin) => openWays(platform, { origin, identity }));
  const heard = new Set<(caHashes: readonly string[]) => void>();
  const reload = async (): Promise<void> => {
    try {
      identity = await load();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.log("warn", "Identity changed and cannot be used, going on with what was read before", { reason });
      return;
    }
    for (const { upstream, callerUpstream } of ways) {
      upstream.rotate(nodeCredentials(identity));
      callerUpstream.rotate(callerCredentials(identity));
    }
    const caHashes = await caHashesOf(identity);
    for (const listener of heard) listener(caHashes);
    logger.log("info", "Identity was read again", { files: identity.files.join(", ") });
    follow();
  };
  const followed = new Set<string>();
  const follow = (): void => {
    for (const path of identity.files) {
      if (!followed.has(path)) files.watch(path, () => void reload(), closing.signal);
      followed.add(path);
    }
  };
  follow();
  return {
    backends: ways,
    authorization: () => identity.token,
    caHashes: await caHashesOf(identity),
    ca: () => identity.ca,
    onCa: (listener) => void heard.add(listener),
    reload,
    close: async () => {
      closing.abort();
      const pools = ways.flatMap(({ upstream, callerUpstream }) => [upstream, callerUpstream]);
      await Promise.all(pools.map((pool) => pool.close(closeGraceMs)));
    },
  };
}

interface Ways extends BackendOptions {
  readonly callerUpstream: Upstream;
}

function openWays(
  { createUpstream }: Platform,
  { origin, identity }: { readonly origin: string; readonly identity: NodeIdentity },
): Ways {
  const server = { origin, ...(identity.serverName === undefined ? {} : { serverName: identity.serverName }) };
  return {
    address: origin,
    host: new URL(origin).host,
    upstream: createUpstream({ ...server, ...nodeCredentials(identity) }),
    callerUpstream: createUpstream({ ...server, ...callerCredentials(identity) }),
  };
}

/** Where the CA cannot be read every connection fails, and says why. */
async function caHashesOf({ ca }: NodeIdentity): Promise<readonly string[]> {
  return ca === undefined ? [] : await spkiHashes(ca).catch(() => []);
}

function nodeCredentials({ ca, cert, key }: NodeIdentity): ClientCredentials {
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

function callerCredentials({ ca }: NodeIdentity): ClientCredentials {
  return ca === undefined ? {} : { ca };
}
