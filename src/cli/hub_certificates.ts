import type { HubCertificates } from "../hub/hub_certificates.ts";
import { expiryOf } from "../identity/certificate_members.ts";
import { loadCertificateIdentity } from "../identity/certificate_identity.ts";
import { parseJoinToken } from "../identity/join_token.ts";
import { createJsonApi, type JsonApi } from "../identity/json_api.ts";
import { loadKubeconfig, type NodeIdentity } from "../identity/kubeconfig.ts";
import { type Bootstrap, openNodeCertificate } from "../identity/node_certificate.ts";
import { openServingCertificate, type ServingCertificate } from "../identity/serving_certificate.ts";
import type { Logger } from "../platform/logger.ts";
import type { Platform } from "../platform/platform.ts";
import { certMgrModeOf } from "./cert_mgr_mode.ts";
import type { FlagValues } from "./flag_values.ts";
import type { HubIdentity } from "./hub_identity.ts";
import { dummyInterfaceOf } from "./network_flags.ts";
import { UsageError } from "./usage_error.ts";

export interface HubCertificatesOptions {
  readonly platform: Platform;
  readonly values: FlagValues;
  readonly origins: readonly string[];
  readonly logger: Logger;
}

/** Where the node's identity comes from. */
export interface IdentitySource {
  readonly load: () => Promise<NodeIdentity>;
  /** Why the identity does not serve; nothing where it does. */
  readonly failure: () => string | undefined;
  /** When its certificate expires, in milliseconds since 1970; nothing where it has none. */
  readonly expiresAt: () => number | undefined;
  /** Takes a join token for a new certificate; missing where renewing is not the hub's to do. */
  readonly takeJoinToken?: (token: string) => void;
  /** Renews it from now on, where that is the hub's to do. */
  keep(api: JsonApi): void;
  close(): Promise<void>;
}

/**
 * Finds the node's identity: a kubeconfig's, kubelet's, or the hub's own, for which it joins where there is none yet.
 *
 * @throws UsageError where the flags give none, IdentityError, KubeconfigError, FileError
 */
export async function openIdentitySource(options: HubCertificatesOptions): Promise<IdentitySource> {
  const { platform: { files }, values } = options;
  const kubeconfig = values.string("kubeconfig");
  if (kubeconfig !== "") return followed(() => loadKubeconfig({ files, path: kubeconfig }));
  if (certMgrModeOf(values) === "kubelet") {
    const caFile = values.string("kubelet-ca-file");
    const certificateFile = values.string("kubelet-client-certificate");
    return followed(() => loadCertificateIdentity({ files, caFile, certificateFile }));
  }
  return await openOwn(options);
}

/** Somebody else renews it. */
function followed(load: () => Promise<NodeIdentity>): IdentitySource {
  let expiresAt: number | undefined;
  return {
    load: async () => {
      const identity = await load();
      expiresAt = identity.cert === undefined ? undefined : expiryOf(identity.cert);
      return identity;
    },
    failure: () => undefined,
    expiresAt: () => expiresAt,
    keep: () => undefined,
    close: () => Promise.resolve(),
  };
}

async function openOwn({ platform, values, origins, logger }: HubCertificatesOptions): Promise<IdentitySource> {
  const { files, clock, random, createUpstream } = platform;
  const rootDir = rootDirOf(values);
  const bootstrap = await bootstrapOf(platform, values);
  if (bootstrap === undefined && await files.read(`${rootDir}/pki/hub-client-current.pem`) === undefined) {
    throw new UsageError(
      `${rootDir}/pki has no certificate yet: give --join-token or --bootstrap-file to join a cluster, or --kubeconfig`,
    );
  }
  const certificate = await openNodeCertificate({
    ...{ files, clock, random, logger, createUpstream, origins, rootDir },
    nodeName: values.string("node-name"),
    organizations: values.list("hub-cert-organizations"),
    caHashes: caHashesOf(values),
    ...(bootstrap === undefined ? {} : { bootstrap }),
  }, platform.process.stop);
  const { caFile, certificateFile } = certificate;
  return {
    load: () => loadCertificateIdentity({ files, caFile, certificateFile }),
    failure: () => certificate.failure(),
    expiresAt: () => certificate.expiresAt(),
    takeJoinToken: (token) => certificate.takeJoinToken(token),
    keep: (api) => certificate.keep(api),
    close: () => certificate.close(),
  };
}

/** What the flags give to join with. @throws UsageError, KubeconfigError, FileError */
export async function bootstrapOf(
  { files }: Pick<Platform, "files">,
  values: FlagValues,
): Promise<Bootstrap | undefined> {
  const path = values.string("bootstrap-file");
  const token = values.string("join-token");
  if (path !== "" && token !== "") throw new UsageError("Give --join-token or --bootstrap-file, not both");
  if (path !== "") {
    // It may be gone once the node has joined.
    if (await files.read(path) === undefined) return undefined;
    const { ca, token: fileToken } = await loadKubeconfig({ files, path });
    if (fileToken === undefined) throw new UsageError(`Cannot use --bootstrap-file ${path}: its user has no token`);
    return withDiscovery(values, { token: fileToken, ...(ca === undefined ? {} : { ca }) });
  }
  return token === "" ? undefined : withDiscovery(values, { token });
}

/** @throws UsageError where nothing would prove the cluster */
function withDiscovery(values: FlagValues, bootstrap: Bootstrap): Bootstrap {
  if (bootstrap.ca !== undefined) return bootstrap;
  const joinToken = parseJoinToken(bootstrap.token);
  if (joinToken === undefined) {
    throw new UsageError("Cannot use --bootstrap-file: it names no CA, and its token is no join token");
  }
  if (values.list("discovery-token-ca-cert-hash").length === 0 && !skipsCa(values)) {
    throw new UsageError(
      "--discovery-token-ca-cert-hash is required to join: kubeadm token create --print-join-command prints it " +
        "(or --discovery-token-unsafe-skip-ca-verification)",
    );
  }
  return { ...bootstrap, joinToken };
}

/** What the cluster's CA must be among; empty where the flags say that it is not checked. */
export function caHashesOf(values: FlagValues): readonly string[] {
  return skipsCa(values) ? [] : values.list("discovery-token-ca-cert-hash").map((hash) => hash.toLowerCase());
}

function skipsCa(values: FlagValues): boolean {
  return values.boolean("discovery-token-unsafe-skip-ca-verification");
}

export interface KeepingOptions extends HubCertificatesOptions {
  readonly source: IdentitySource;
  readonly identity: HubIdentity;
}

export interface KeptCertificates {
  readonly serving: ServingCertificate;
  /** From now on the node's certificate is renewed, and the HTTPS port's asked for and renewed. */
  start(): void;
}

/** Both certificates of the node, renewed as the node that `identity` is. @throws FileError */
export async function openCertificates(options: KeepingOptions): Promise<KeptCertificates> {
  const { platform: { files, clock, random, isIssuedBy }, values, logger, source, identity } = options;
  const servers = identity.backends.map(({ host, upstream }) => ({ host, upstream }));
  const api = createJsonApi({ servers, clock, token: identity.authorization });
  const serving = await openServingCertificate({
    ...{ files, clock, random, logger, isIssuedBy, api, dummyIp: dummyInterfaceOf(values).ip },
    rootDir: rootDirOf(values),
    nodeName: values.string("node-name"),
    nodeIp: values.string("node-ip"),
  });
  return {
    serving,
    start: () => {
      source.keep(api);
      serving.start();
    },
  };
}

/** What the hub tells of both. */
export function certificatesOf(source: IdentitySource, serving: ServingCertificate): HubCertificates {
  const { failure, expiresAt, takeJoinToken } = source;
  return {
    client: { failure, expiresAt },
    serving: { failure: () => serving.failure(), expiresAt: () => serving.expiresAt() },
    servingDistrusted: () => serving.distrusted(),
    ...(takeJoinToken === undefined ? {} : { takeJoinToken }),
  };
}

/** Without a slash at its end. */
export function rootDirOf(values: FlagValues): string {
  return values.string("root-dir").replace(/\/+$/, "");
}
