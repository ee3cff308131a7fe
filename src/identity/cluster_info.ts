import { parse } from "yaml";
import { z } from "zod";
import { IdentityError } from "./identity_error.ts";
import type { JoinToken } from "./join_token.ts";
import { pemBlocks } from "./pem.ts";
import { spkiHash, spkiHashes } from "./spki_hash.ts";

/** Where kubeadm publishes it, for everybody to read. */
export const clusterInfoPath = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

const configMapSchema = z.object({ data: z.record(z.string(), z.string()) });
const kubeconfigSchema = z.object({
  clusters: z.array(z.object({ cluster: z.object({ "certificate-authority-data": z.string() }) })).length(1),
});

/** What an operator gives to know the cluster by. */
export interface ClusterProof {
  readonly token: JoinToken;
  /** `sha256:<hex>` of keys of CAs; without any the token's signature alone is the proof. */
  readonly caHashes: readonly string[];
}

/** What is known of a cluster then. */
export interface ClusterInfo {
  /** PEM: of the CAs that it names those that are proved. */
  readonly ca: string;
  /** The document itself, to compare with what the proved server says. */
  readonly kubeconfig: string;
}

/**
 * Reads the ConfigMap cluster-info, which came from an unproved server: its kubeconfig must be signed with the token (a
 * detached JWS, HS256), and its CA must be one of those expected, as kubeadm join checks it.
 *
 * @throws IdentityError, not retryable
 */
export async function readClusterInfo(configMap: unknown, { token, caHashes }: ClusterProof): Promise<ClusterInfo> {
  const content = configMapSchema.safeParse(configMap);
  const kubeconfig = content.data?.data["kubeconfig"];
  if (content.data === undefined || kubeconfig === undefined) {
    throw refused("the ConfigMap kube-public/cluster-info has no kubeconfig");
  }
  const signature = content.data.data[`jws-kubeconfig-${token.id}`];
  if (signature === undefined) {
    throw refused(
      `token id "${token.id}" is invalid for this cluster or it has expired: cluster-info is not signed with it. ` +
        `Make a new one: kubeadm token create`,
    );
  }
  if (!await isSigned(kubeconfig, { signature, token })) {
    throw refused(
      `cluster-info is not signed with this token: the secret of token id "${token.id}" is wrong, or another cluster answers`,
    );
  }
  return { ca: await provedCa(bundleOf(kubeconfig), caHashes), kubeconfig };
}

/** @throws IdentityError where none of the bundle's CAs is expected */
export async function provedCa(bundle: string, caHashes: readonly string[]): Promise<string> {
  if (caHashes.length === 0) return bundle;
  const hashed = await Promise.all(
    pemBlocks(bundle, "CERTIFICATE").map(async ({ text, der }) => ({ text, hash: await spkiHash(der) })),
  );
  const proved = hashed.filter(({ hash }) => caHashes.includes(hash));
  if (proved.length > 0) return proved.map(({ text }) => text).join("");
  throw refused(
    `its CA is ${(await spkiHashes(bundle)).join(", ")}, --discovery-token-ca-cert-hash wants ${caHashes.join(", ")}`,
  );
}

interface Signed {
  readonly signature: string;
  readonly token: JoinToken;
}

/** RFC 7515, appendix F: the payload is left out. */
async function isSigned(payload: string, { signature, token }: Signed): Promise<boolean> {
  const [header = "", detached, mac = ""] = signature.split(".");
  const said = headerSchema.safeParse(jsonOf(header));
  if (detached !== "" || !said.success || said.data.kid !== token.id) return false;
  const secret = new TextEncoder().encode(token.secret);
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const input = new TextEncoder().encode(`${header}.${toBase64Url(new TextEncoder().encode(payload))}`);
  const bytes = fromBase64Url(mac);
  return bytes !== undefined && await crypto.subtle.verify("HMAC", key, bytes, input);
}

const headerSchema = z.object({ alg: z.literal("HS256"), kid: z.string() });

function bundleOf(kubeconfig: string): string {
  const read = kubeconfigSchema.safeParse(yamlOf(kubeconfig));
  const bytes = fromBase64Url(read.data?.clusters[0]?.cluster["certificate-authority-data"] ?? "");
  const bundle = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  if (!bundle.includes("-----BEGIN CERTIFICATE-----")) throw refused("cluster-info names no CA, or several clusters");
  return bundle;
}

function yamlOf(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}

function jsonOf(base64Url: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64Url(base64Url)));
  } catch {
    return undefined; // no schema takes it
  }
}

/** base64 in either alphabet. @returns nothing where it is none */
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function toBase64Url(bytes: Uint8Array): string {
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function refused(why: string): IdentityError {
  return new IdentityError(`Cannot join: ${why}`, { retryable: false });
}
