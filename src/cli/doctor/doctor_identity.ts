import { loadCertificateIdentity } from "../../identity/certificate_identity.ts";
import { provedCa } from "../../identity/cluster_info.ts";
import { IdentityError } from "../../identity/identity_error.ts";
import { discoverCluster } from "../../identity/join_cluster.ts";
import { loadKubeconfig, type NodeIdentity } from "../../identity/kubeconfig.ts";
import type { Bootstrap } from "../../identity/node_certificate.ts";
import type { Platform } from "../../platform/platform.ts";
import { certMgrModeOf } from "../cert_mgr_mode.ts";
import type { FlagValues } from "../flag_values.ts";
import { bootstrapOf, caHashesOf, rootDirOf } from "../hub_certificates.ts";
import { reasonOf } from "./reason.ts";

/** What is looked at. */
export interface DoctorSetup {
  readonly platform: Platform;
  readonly values: FlagValues;
  readonly origins: readonly string[];
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/**
 * The node's identity as a hub with these flags would find it at its start. `joining`: it has none yet, and would join; a
 * cluster that has shown that it knows the token has a `ca`.
 */
export type LoadedIdentity =
  | { readonly state: "held"; readonly identity: NodeIdentity; readonly source: string }
  | { readonly state: "joining"; readonly ca?: string; readonly problem?: JoinProblem }
  | { readonly state: "missing"; readonly why: string };

export interface JoinProblem {
  readonly why: string;
  /** Whether it may be that nobody answers, which is no fault of the token. */
  readonly passing: boolean;
}

/** Reads it; joins nothing, writes nothing, and sends no token. Never rejects. */
export async function loadIdentity(options: DoctorSetup): Promise<LoadedIdentity> {
  try {
    return await load(options);
  } catch (error) {
    return { state: "missing", why: reasonOf(error) };
  }
}

async function load(options: DoctorSetup): Promise<LoadedIdentity> {
  const { platform: { files }, values } = options;
  const kubeconfig = values.string("kubeconfig");
  if (kubeconfig !== "") {
    return { state: "held", identity: await loadKubeconfig({ files, path: kubeconfig }), source: kubeconfig };
  }
  if (certMgrModeOf(values) === "kubelet") {
    const caFile = values.string("kubelet-ca-file");
    const certificateFile = values.string("kubelet-client-certificate");
    const identity = await loadCertificateIdentity({ files, caFile, certificateFile });
    return { state: "held", identity, source: certificateFile };
  }
  const pki = `${rootDirOf(values)}/pki`;
  const certificateFile = `${pki}/hub-client-current.pem`;
  const bootstrap = await bootstrapOf({ files }, values);
  if (await files.read(certificateFile) !== undefined) {
    const identity = await loadCertificateIdentity({ files, caFile: `${pki}/ca.crt`, certificateFile });
    // A CA of another cluster would be refused by the hub.
    if (identity.ca !== undefined) await provedCa(identity.ca, caHashesOf(values));
    return { state: "held", identity, source: certificateFile };
  }
  if (bootstrap !== undefined) return await prove(options, bootstrap);
  return { state: "missing", why: `${pki} has no certificate yet, and no --join-token or --bootstrap-file is given` };
}

/** As far as a join goes before anything is asked for: cluster-info is public, and the token is not sent. */
async function prove(
  { platform: { createUpstream, clock }, values, origins, signal }: DoctorSetup,
  { ca, joinToken }: Bootstrap,
): Promise<LoadedIdentity> {
  const caHashes = caHashesOf(values);
  try {
    if (ca !== undefined) return { state: "joining", ca: await provedCa(ca, caHashes) };
    if (joinToken === undefined) return { state: "joining" };
    const found = await discoverCluster({ createUpstream, clock, origins }, { token: joinToken, caHashes }, signal);
    return { state: "joining", ca: found.ca };
  } catch (error) {
    const problem = { why: reasonOf(error), passing: error instanceof IdentityError && error.retryable };
    return { state: "joining", problem };
  }
}
