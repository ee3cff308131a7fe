import { certificateMembers } from "./certificate_members.ts";
import { pemBlocks } from "./pem.ts";

/**
 * Hashes the public keys of a PEM bundle of certificates, as kubeadm's `--discovery-token-ca-cert-hash` does.
 *
 * @returns `sha256:<hex>` of each certificate's SubjectPublicKeyInfo, sorted
 * @throws RangeError where it is no certificate
 */
export async function spkiHashes(pem: string): Promise<readonly string[]> {
  const hashes = await Promise.all(pemBlocks(pem, "CERTIFICATE").map(({ der }) => spkiHash(der)));
  return [...new Set(hashes)].toSorted();
}

/** `sha256:<hex>` of a certificate's SubjectPublicKeyInfo. @throws RangeError where it is no certificate */
export async function spkiHash(certificate: Uint8Array): Promise<string> {
  return await sha256Hex(certificateMembers(certificate).publicKey);
}

/** `sha256:<hex>` */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
