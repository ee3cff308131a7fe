import {
  clientSigner,
  kubeletClientSigner,
  kubeletServingSigner,
  loopbackIps,
  nodesGroup,
  nodeUserPrefix,
  openYurtOrganization,
  servingDnsNames,
} from "../identity/certificate_template.ts";
import { type RequestedNames, requestedNames, type SigningRequest } from "./signing_request.ts";

/** A Node, as far as an approval depends on it. */
export interface NodeFacts {
  readonly ready: boolean;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
}

/** What is asked of the cluster. Each rejects where it cannot be told now. */
export interface ClusterFacts {
  /** Nothing where there is none. */
  node(name: string): Promise<NodeFacts | undefined>;
  /** Whether the cluster lets this requester ask for any node's client certificate (create `certificatesigningrequests/nodeclient`). */
  mayBootstrap(request: SigningRequest): Promise<boolean>;
  /** Cluster IPs of the Service `kubernetes`. */
  serviceIps(): Promise<readonly string[]>;
  /** Of the dummy interfaces of all nodes. */
  readonly dummyIps: readonly string[];
}

/** `other`: not for this approver to judge. */
export type Verdict =
  | { readonly kind: "approve" }
  | { readonly kind: "refuse"; readonly reason: string }
  | { readonly kind: "other" };

const tenantPrefix = "openyurt:tenant:";
const bootstrapUserPrefix = "system:bootstrap:";

/**
 * Judges a request for a node's certificate: it is approved where the requester, the names and the Node agree (design,
 * section 5), and refused with a reason where one of them does not.
 */
export async function reviewSigningRequest(request: SigningRequest, facts: ClusterFacts): Promise<Verdict> {
  const { signerName } = request.spec;
  if (![kubeletClientSigner, clientSigner, kubeletServingSigner].includes(signerName)) return { kind: "other" };
  const names = await requestedNames(request);
  if ("fault" in names) return signerName === clientSigner ? { kind: "other" } : refused(names.fault);
  if (signerName === clientSigner && !claimsNode(names)) return { kind: "other" };
  const nodeName = names.commonName.startsWith(nodeUserPrefix) ? names.commonName.slice(nodeUserPrefix.length) : "";
  if (nodeName === "") return refused(`its common name ${names.commonName} is not that of a node`);
  const reason = signerName === kubeletServingSigner
    ? await servingFault({ request, names, nodeName }, facts)
    : clientFault(request, names) ?? await requesterFault({ request, names, nodeName }, facts);
  return reason === undefined ? { kind: "approve" } : refused(reason);
}

/** Of a signer for everybody's client certificates only those of nodes are judged. */
function claimsNode({ commonName, organizations }: RequestedNames): boolean {
  return commonName.startsWith(nodeUserPrefix) ||
    organizations.some((name) => name === nodesGroup || name === openYurtOrganization);
}

function clientFault({ spec }: SigningRequest, { organizations, dnsNames, ips }: RequestedNames): string | undefined {
  if (!isUsages(spec.usages, "client auth")) return `its usages are ${spec.usages.join(", ")}`;
  if (dnsNames.length + ips.length > 0) return "a client certificate has no DNS names and IP addresses";
  const wanted = spec.signerName === clientSigner ? [nodesGroup, openYurtOrganization] : [nodesGroup];
  const missing = wanted.find((name) => !organizations.includes(name));
  if (missing !== undefined) return `its organizations lack ${missing}`;
  const others = organizations.filter((name) =>
    !wanted.includes(name) && !(spec.signerName === clientSigner && name.startsWith(tenantPrefix))
  );
  return others.length === 0 ? undefined : `its organizations include ${others.join(", ")}, which a node is not in`;
}

interface Reviewed {
  readonly request: SigningRequest;
  readonly names: RequestedNames;
  readonly nodeName: string;
}

/** A node asks for itself, a holder of a join token for a node that is not there. */
async function requesterFault(reviewed: Reviewed, facts: ClusterFacts): Promise<string | undefined> {
  const { request, names, nodeName } = reviewed;
  const { username } = request.spec;
  if (isNode(request)) {
    if (username !== names.commonName) return `${username} asks for the certificate of ${names.commonName}`;
    return await facts.node(nodeName) === undefined ? `there is no Node ${nodeName}` : undefined;
  }
  if (!username.startsWith(bootstrapUserPrefix) || !await facts.mayBootstrap(request)) {
    return `${username} is neither that node nor a holder of a join token for nodes`;
  }
  const node = await facts.node(nodeName);
  return node?.ready === true
    ? `${username} asks for the certificate of the Node ${nodeName}, which is Ready`
    : undefined;
}

async function servingFault({ request, names, nodeName }: Reviewed, facts: ClusterFacts): Promise<string | undefined> {
  const { username, usages } = request.spec;
  if (!isNode(request) || username !== names.commonName) {
    return `${username} asks for the certificate of ${names.commonName}`;
  }
  if (!isUsages(usages, "server auth")) return `its usages are ${usages.join(", ")}`;
  if (names.organizations.join() !== nodesGroup) return `its organizations are ${names.organizations.join(", ")}`;
  if (names.dnsNames.length + names.ips.length === 0) return "it has neither DNS names nor IP addresses";
  const node = await facts.node(nodeName);
  if (node === undefined) return `there is no Node ${nodeName}`;
  const addresses = node.addresses.map(({ address }) => address);
  const dnsName = names.dnsNames.find((name) => ![...servingDnsNames, nodeName, ...addresses].includes(name));
  if (dnsName !== undefined) return `the DNS name ${dnsName} is not that of the Node ${nodeName} or of its hub`;
  const allowed = [...loopbackIps, ...facts.dummyIps, ...addresses, ...await facts.serviceIps()].map(canonicalIp);
  const ip = names.ips.find((one) => !allowed.includes(canonicalIp(one)));
  return ip === undefined ? undefined : `the IP address ${ip} is not that of the Node ${nodeName} or of its hub`;
}

function isNode({ spec }: SigningRequest): boolean {
  return spec.username.startsWith(nodeUserPrefix) && spec.groups.includes(nodesGroup);
}

/** Keys of elliptic curves encipher none; who asks for OpenYurt's approver names it all the same. */
function isUsages(usages: readonly string[], purpose: string): boolean {
  const asked = usages.filter((usage) => usage !== "key encipherment").toSorted();
  return asked.join() === ["digital signature", purpose].toSorted().join();
}

function canonicalIp(ip: string): string {
  return ip.includes(":") && URL.canParse(`http://[${ip}]`) ? new URL(`http://[${ip}]`).hostname : ip;
}

function refused(reason: string): Verdict {
  return { kind: "refuse", reason };
}
