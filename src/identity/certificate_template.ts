/** What a certificate is asked for. */
export interface CertificateTemplate {
  /** `kubernetes.io/…`: who signs it, and by which rules. */
  readonly signerName: string;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
  readonly usages: readonly string[];
}

export const kubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
export const clientSigner = "kubernetes.io/kube-apiserver-client";
export const kubeletServingSigner = "kubernetes.io/kubelet-serving";

/** In the names of users and certificates. */
export const nodeUserPrefix = "system:node:";
export const nodesGroup = "system:nodes";
/** OpenYurt's mark of a hub's client certificate. */
export const openYurtOrganization = "openyurt:yurthub";

/** By these names pods know the API server, which the hub answers for (design, section 5). */
export const servingDnsNames: readonly string[] = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "localhost",
];

/** Addresses of the dummy interface, by which pods reach the hub: OpenYurt's. */
export const dummyIps: readonly [ipv4: string, ipv6: string] = ["169.254.2.1", "fd00::2:1"];

export const loopbackIps: readonly string[] = ["127.0.0.1", "::1"];

export interface ClientTemplateOptions {
  readonly nodeName: string;
  /** Beyond `system:nodes`: with any of them it is of OpenYurt's form. */
  readonly organizations: readonly string[];
}

/**
 * The node's client certificate. Without further organizations kubeadm's clusters approve it by themselves; with some it
 * has OpenYurt's form, which its approver wants with exactly these usages.
 */
export function clientTemplate({ nodeName, organizations }: ClientTemplateOptions): CertificateTemplate {
  const openYurt = organizations.length > 0;
  return {
    signerName: openYurt ? clientSigner : kubeletClientSigner,
    commonName: `${nodeUserPrefix}${nodeName}`,
    organizations: openYurt ? [...new Set([openYurtOrganization, nodesGroup, ...organizations])] : [nodesGroup],
    dnsNames: [],
    ips: [],
    usages: [...(openYurt ? ["key encipherment"] : []), "digital signature", "client auth"],
  };
}

export interface ServingTemplateOptions {
  readonly nodeName: string;
  /** Of the node, of the Service `kubernetes`, of the dummy interface. */
  readonly ips: readonly string[];
}

/** The certificate of the HTTPS port. Its usages are those that OpenYurt's approver wants too. */
export function servingTemplate({ nodeName, ips }: ServingTemplateOptions): CertificateTemplate {
  return {
    signerName: kubeletServingSigner,
    commonName: `${nodeUserPrefix}${nodeName}`,
    organizations: [nodesGroup],
    dnsNames: [...new Set([...servingDnsNames, nodeName])],
    ips: [...new Set([...loopbackIps, ...ips])],
    usages: ["key encipherment", "digital signature", "server auth"],
  };
}

/** Says all of it in one line: two are equal where their lines are. */
export function templateText(template: CertificateTemplate): string {
  const { signerName, commonName, organizations, dnsNames, ips, usages } = template;
  const lists = [organizations, dnsNames, ips, usages].map((values) => values.toSorted().join(","));
  return [signerName, commonName, ...lists].join("; ");
}
