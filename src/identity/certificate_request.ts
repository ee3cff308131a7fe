import type { CertificateTemplate } from "./certificate_template.ts";
import { der, derTag, derText, objectIdentifier, unsignedInteger } from "./der_writer.ts";
import { ipBytes } from "./ip_bytes.ts";
import { toPem } from "./pem.ts";

/** A key and what asks for its certificate. PEM texts. */
export interface CertificateRequest {
  readonly request: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";
const organizationName = "2.5.4.10";
const commonName = "2.5.4.3";
const extensionRequest = "1.2.840.113549.1.9.14";
const subjectAlternativeName = "2.5.29.17";
/** Of a GeneralName (RFC 5280, section 4.2.1.6). */
const dnsNameTag = 0x82;
const ipAddressTag = 0x87;

/**
 * Makes a key (ECDSA P-256) and a certificate request (PKCS #10, RFC 2986). By hand: a library for it costs a node more
 * memory than the hub may take for all it does (docs/adr/0005).
 *
 * @throws RangeError where an address of the template is none
 */
export async function makeCertificateRequest(template: CertificateTemplate): Promise<CertificateRequest> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const information = der(
    derTag.sequence,
    unsignedInteger(Uint8Array.of(0)), // its version
    subjectOf(template),
    new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)),
    attributesOf(template),
  );
  const request = der(
    derTag.sequence,
    information,
    der(derTag.sequence, objectIdentifier(ecdsaWithSha256)),
    bitString(ecdsaSignature(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, information)))),
  );
  return {
    // As Go's encoder writes it: the API server takes no other line ends.
    request: toPem("CERTIFICATE REQUEST", request),
    key: toPem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey))),
  };
}

function subjectOf({ organizations, commonName: name }: CertificateTemplate): Uint8Array {
  const attribute = (type: string, value: string): Uint8Array =>
    der(derTag.set, der(derTag.sequence, objectIdentifier(type), derText(derTag.utf8String, value)));
  const parts = organizations.map((organization) => attribute(organizationName, organization));
  return der(derTag.sequence, ...parts, attribute(commonName, name));
}

function attributesOf({ dnsNames, ips }: CertificateTemplate): Uint8Array {
  if (dnsNames.length + ips.length === 0) return der(derTag.context0);
  const names = der(
    derTag.sequence,
    ...dnsNames.map((name) => derText(dnsNameTag, name)),
    ...ips.map((ip) => der(ipAddressTag, ipBytes(ip))),
  );
  const extension = der(derTag.sequence, objectIdentifier(subjectAlternativeName), der(derTag.octetString, names));
  const extensions = der(derTag.set, der(derTag.sequence, extension));
  return der(derTag.context0, der(derTag.sequence, objectIdentifier(extensionRequest), extensions));
}

/** Web Crypto gives both numbers one after another (IEEE P1363), X.509 has them as a sequence (RFC 3279, section 2.2.3). */
function ecdsaSignature(bytes: Uint8Array): Uint8Array {
  const half = bytes.length / 2;
  return der(derTag.sequence, unsignedInteger(bytes.subarray(0, half)), unsignedInteger(bytes.subarray(half)));
}

/** Of whole bytes. */
function bitString(bytes: Uint8Array): Uint8Array {
  return der(derTag.bitString, Uint8Array.of(0), bytes);
}
