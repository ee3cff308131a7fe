/** Tags of DER (X.690) that a certificate begins with. */
const sequence = 0x30;
const version = 0xa0;
/** serialNumber, signature, issuer, validity, subject: what stands before the key (RFC 5280 4.1). */
const membersBeforeKey = 5;

interface Element {
  readonly tag: number;
  readonly contentStart: number;
  readonly end: number;
}

/**
 * Hashes the public keys of a PEM bundle of certificates, as kubeadm's `--discovery-token-ca-cert-hash` does.
 *
 * @returns `sha256:<hex>` of each certificate's SubjectPublicKeyInfo, sorted
 * @throws RangeError where it is no certificate
 */
export async function spkiHashes(pem: string): Promise<readonly string[]> {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  const hashes = await Promise.all([...blocks].map(([, base64 = ""]) => spkiHash(base64)));
  return [...new Set(hashes)].toSorted();
}

async function spkiHash(base64: string): Promise<string> {
  const der = Uint8Array.from(atob(base64.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", publicKeyOf(der).slice()));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function publicKeyOf(der: Uint8Array): Uint8Array {
  const certificate = readElement(der, 0, sequence);
  const signed = readElement(der, certificate.contentStart, sequence);
  let at = signed.contentStart;
  const first = readElement(der, at);
  if (first.tag === version) at = first.end;
  for (let member = 0; member < membersBeforeKey; member++) at = readElement(der, at).end;
  return der.subarray(at, readElement(der, at, sequence).end);
}

function readElement(der: Uint8Array, start: number, wanted?: number): Element {
  const tag = der[start];
  const first = der[start + 1];
  if (tag === undefined || first === undefined || (wanted !== undefined && tag !== wanted)) throw notACertificate();
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  let length = first < 0x80 ? first : 0;
  if (lengthBytes > 4) throw notACertificate();
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[start + 2 + i] ?? 0);
  const contentStart = start + 2 + lengthBytes;
  if (contentStart + length > der.length) throw notACertificate();
  return { tag, contentStart, end: contentStart + length };
}

function notACertificate(): RangeError {
  return new RangeError("Cannot hash the key: it is no X.509 certificate");
}
