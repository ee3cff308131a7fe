import { type DerElement, derElements } from "./der.ts";
import { signedMembers } from "./certificate_members.ts";
import { pemBlocks } from "./pem.ts";

/** Whom a certificate is for. */
export interface CertificateNames {
  /** Empty where it has none. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  /** Four or sixteen bytes each. */
  readonly ips: readonly Uint8Array[];
}

/** Object identifiers in DER, as hexadecimal digits (RFC 5280, appendix A). */
const oids = { commonName: "550403", organization: "55040a", subjectAltName: "551d11" };
const extensionsTag = 0xa3;
/** Of GeneralName (RFC 5280, section 4.2.1.6). */
const dnsNameTag = 0x82;
const ipTag = 0x87;

/** Reads the first certificate of a PEM text. @throws RangeError where it is none */
export function certificateNames(pem: string): CertificateNames {
  const members = signedMembers(pemBlocks(pem, "CERTIFICATE")[0]?.der ?? new Uint8Array());
  const subject = inner(members[4]).flatMap((set) => inner(set)).map((pair) => inner(pair));
  const attributes = (oid: string): readonly string[] =>
    subject.filter(([type]) => hexOf(type) === oid).map(([, value]) => textOf(value));
  const names = altNames(members);
  return {
    commonName: attributes(oids.commonName)[0] ?? "",
    organizations: attributes(oids.organization),
    dnsNames: names.filter(({ tag }) => tag === dnsNameTag).map(textOf),
    ips: names.filter(({ tag }) => tag === ipTag).map(({ content }) => content),
  };
}

function altNames(members: readonly DerElement[]): readonly DerElement[] {
  const [list] = inner(members.find(({ tag }) => tag === extensionsTag));
  const extension = inner(list).map((each) => inner(each)).find(([oid]) => hexOf(oid) === oids.subjectAltName);
  // Between its name and its value may stand whether it is critical.
  const [names] = inner(extension?.at(-1));
  return inner(names);
}

function inner(element: DerElement | undefined): readonly DerElement[] {
  return derElements(element?.content ?? new Uint8Array());
}

function textOf(element: DerElement | undefined): string {
  return new TextDecoder().decode(element?.content);
}

function hexOf(element: DerElement | undefined): string {
  return Array.from(element?.content ?? [], (byte) => byte.toString(16).padStart(2, "0")).join("");
}
