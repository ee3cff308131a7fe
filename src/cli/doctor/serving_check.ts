import { z } from "zod";
import { readCertificate, readPending } from "../../identity/certificate_file.ts";
import { certificateMembers } from "../../identity/certificate_members.ts";
import { certificateNames } from "../../identity/certificate_names.ts";
import { loopbackIps, nodeUserPrefix, servingDnsNames } from "../../identity/certificate_template.ts";
import { dummyInterfaceOf } from "../network_flags.ts";
import { ipBytes } from "../../identity/ip_bytes.ts";
import { pemBlocks } from "../../identity/pem.ts";
import { rootDirOf } from "../hub_certificates.ts";
import type { DoctorContext } from "./doctor_context.ts";
import { type Check, failed, type Finding, ok, warning } from "./finding.ts";
import { lifeFinding } from "./life_finding.ts";

/** Whether the HTTPS port has a certificate, for all names that pods use, which they believe. */
export const servingCheck: Check = {
  name: "serving-certificate",
  run: async (context, signal) => {
    const { files } = context.platform;
    const pki = `${rootDirOf(context.values)}/pki`;
    const path = `${pki}/hub-server-current.pem`;
    const held = await readCertificate(files, path);
    if (held === undefined) return [await absentFinding(context, pki)];
    const ended = lifeFinding(certificateMembers(pemBlocks(held.cert)[0]?.der ?? new Uint8Array()), {
      what: `the HTTPS port's certificate ${path}`,
      now: context.platform.clock.now(),
      advice: "see the hub's log and /readyz?verbose: the hub renews it, and somebody must approve the request " +
        "(holdfast controller --controllers=csrapproving, or kubectl certificate approve)",
    });
    const faults = [ended, await namesFinding(context, held.cert, signal), await beliefFinding(context, held.cert)]
      .filter((finding) => finding !== undefined);
    return faults.length > 0 ? faults : [ok(`${path} is for all names of the HTTPS port, and pods believe it`)];
  },
};

async function absentFinding({ platform: { files } }: DoctorContext, pki: string): Promise<Finding> {
  const pending = await readPending(files, `${pki}/hub-server-pending.pem`);
  if (pending !== undefined) {
    return warning(
      `the HTTPS port has no certificate: the request ${pending.name} waits for its approval`,
      `kubectl certificate approve ${pending.name}, or run holdfast controller --controllers=csrapproving`,
    );
  }
  return warning(
    `the HTTPS port has no certificate: ${pki}/hub-server-current.pem is missing or damaged`,
    "the hub asks for one once its Node is there; pods cannot use the hub until then, kubelet can",
  );
}

async function namesFinding(context: DoctorContext, cert: string, signal: AbortSignal): Promise<Finding | undefined> {
  const nodeName = context.values.string("node-name");
  const { commonName, dnsNames, ips } = certificateNames(cert);
  if (commonName !== `${nodeUserPrefix}${nodeName}`) {
    return failed(
      `the HTTPS port's certificate is of ${commonName}, and --node-name is ${nodeName}`,
      "correct --node-name; another node's name needs another --root-dir",
    );
  }
  const held = new Set(ips.map(String));
  const wantedIps = [...loopbackIps, dummyInterfaceOf(context.values).ip, ...await clusterIps(context, signal)];
  const missing = [
    ...[...servingDnsNames, nodeName].filter((name) => !dnsNames.includes(name)),
    ...wantedIps.filter((ip) => !held.has(String(ipBytes(ip)))),
  ];
  if (missing.length === 0) return undefined;
  return failed(
    `the HTTPS port's certificate is not for ${missing.join(", ")}: clients that use these refuse it`,
    "a hub that runs asks for another one within the hour; see its log, and whether the request was approved",
  );
}

const serviceSchema = z.object({
  spec: z.object({ clusterIP: z.string().optional(), clusterIPs: z.array(z.string()).optional() }),
});

/** Of the Service `kubernetes`; none where the cluster does not tell. */
async function clusterIps(context: DoctorContext, signal: AbortSignal): Promise<readonly string[]> {
  const asked = await context.api();
  if ("why" in asked) return [];
  const path = "/api/v1/namespaces/default/services/kubernetes";
  const answer = await asked.api({ method: "GET", path, signal }).catch(() => undefined);
  const spec = serviceSchema.safeParse(answer?.object).data?.spec;
  return (spec?.clusterIPs ?? [spec?.clusterIP ?? "None"]).filter((ip) => ip !== "None");
}

async function beliefFinding({ platform, values }: DoctorContext, cert: string): Promise<Finding | undefined> {
  const path = `${rootDirOf(values)}/pki/kube-root-ca.crt`;
  const bundle = await platform.files.read(path);
  if (bundle === undefined) {
    return warning(
      `whether pods believe the HTTPS port's certificate is not known: the hub has not read kube-root-ca.crt yet`,
      "kubectl apply -f deploy/rbac/hub.yaml lets it; it is read at the hub's start and every hour",
    );
  }
  if (platform.isIssuedBy(cert, new TextDecoder().decode(bundle))) return undefined;
  return warning(
    `pods do not believe the HTTPS port's certificate: its CA is not among those of ${path}`,
    "put the CA of kube-controller-manager's --cluster-signing-cert-file into its --root-ca-file",
  );
}
