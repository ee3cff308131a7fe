import { type DerElement, derElements } from "./der.ts";
import { pemBlocks } from "./pem.ts";

const sequence = 0x30;
const version = 0xa0;
const utcTime = 0x17;

/** What is read of a certificate without a library, which costs a node more memory than it is worth for this. */
export interface CertificateMembers {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Reads a certificate (RFC 5280, section 4.1). @param der @throws RangeError where it is none */
export function certificateMembers(der: Uint8Array): CertificateMembers {
  const [, , , validity, , publicKey] = signedMembers(der);
  const [notBefore, notAfter] = derElements(contentOf(validity, sequence));
  contentOf(publicKey, sequence);
  return {
    publicKey: publicKey?.bytes ?? notACertificate(),
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
  };
}

/**
 * What was signed: serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, and what else there is.
 *
 * @throws RangeError where it is no certificate
 */
export function signedMembers(der: Uint8Array): readonly DerElement[] {
  const [certificate] = derElements(der);
  const [signed] = derElements(contentOf(certificate, sequence));
  const members = derElements(contentOf(signed, sequence));
  return members[0]?.tag === version ? members.slice(1) : members;
}

/** When the first certificate of a PEM text expires, in milliseconds since 1970; nothing where it is none. */
export function expiryOf(pem: string): number | undefined {
  const der = pemBlocks(pem, "CERTIFICATE")[0]?.der;
  try {
    return der === undefined ? undefined : certificateMembers(der).notAfter;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function contentOf(element: DerElement | undefined, tag: number): Uint8Array {
  return element?.tag === tag ? element.content : notACertificate();
}

/** UTCTime or GeneralizedTime (RFC 5280, section 4.1.2.5): always with seconds, always Z. */
function timeOf(element: DerElement | undefined): number {
  const text = new TextDecoder().decode(element?.content);
  const digits = element?.tag === utcTime ? (text < "5" ? `20${text}` : `19${text}`) : text;
  const time = Date.parse(digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  return Number.isNaN(time) ? notACertificate() : time;
}

function notACertificate(): never {
  throw new RangeError("Cannot read it: it is no X.509 certificate");
}
