import { type KubeIdentity, loadKubeconfig } from "../identity/kubeconfig.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { ClientCredentials, Upstream } from "../platform/upstream.ts";

export interface HubIdentityOptions {
  readonly platform: Platform;
  readonly kubeconfig: string;
  /** Origin of the API server; the one that the kubeconfig names is not used. */
  readonly origin: string;
  readonly logger: Logger;
}

/** The node's way to the cloud. */
export interface HubIdentity {
  readonly upstream: Upstream;
  /** The same cloud without the node's certificate. */
  readonly callerUpstream: Upstream;
  readonly authorization: () => string | undefined;
  /** Stops following the files, and closes both connections' pools. */
  close(): Promise<void>;
}

const closeGraceMs = 1000;

/**
 * Reads a kubeconfig, and again whenever one of its files changes: new requests then travel with the new certificate or
 * token. What cannot be read then is logged, and the identity stays as it was.
 *
 * @throws KubeconfigError
 */
export async function openHubIdentity(options: HubIdentityOptions): Promise<HubIdentity> {
  const { platform, kubeconfig, origin, logger } = options;
  const { files } = platform;
  const closing = new AbortController();
  let identity = await loadKubeconfig({ files, path: kubeconfig });
  const serverName = identity.serverName === undefined ? {} : { serverName: identity.serverName };
  const upstream = platform.createUpstream({ origin, ...serverName, ...nodeCredentials(identity) });
  const callerUpstream = platform.createUpstream({ origin, ...serverName, ...callerCredentials(identity) });
  const reload = async (): Promise<void> => {
    try {
      identity = await loadKubeconfig({ files, path: kubeconfig });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.log("warn", "Kubeconfig changed and cannot be used, going on with what was read before", { reason });
      return;
    }
    upstream.rotate(nodeCredentials(identity));
    callerUpstream.rotate(callerCredentials(identity));
    logger.log("info", "Identity was read again", { kubeconfig });
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
    upstream,
    callerUpstream,
    authorization: () => identity.token,
    close: async () => {
      closing.abort();
      await Promise.all([upstream.close(closeGraceMs), callerUpstream.close(closeGraceMs)]);
    },
  };
}

function nodeCredentials({ ca, cert, key }: KubeIdentity): ClientCredentials {
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

function callerCredentials({ ca }: KubeIdentity): ClientCredentials {
  return ca === undefined ? {} : { ca };
}
