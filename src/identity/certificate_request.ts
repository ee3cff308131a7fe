import type * as X509 from "@peculiar/x509";
import type { CertificateTemplate } from "./certificate_template.ts";
import { toPem } from "./pem.ts";

/** A key and what asks for its certificate. PEM texts. */
export interface CertificateRequest {
  readonly request: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Makes a key (ECDSA P-256) and a certificate request (PKCS #10). */
export async function makeCertificateRequest(template: CertificateTemplate): Promise<CertificateRequest> {
  const { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } = await x509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = [
    ...template.dnsNames.map((value) => ({ type: "dns", value } as const)),
    ...template.ips.map((value) => ({ type: "ip", value } as const)),
  ];
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [...template.organizations.map((organization) => ({ O: [organization] })), { CN: [template.commonName] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
  });
  return {
    // As Go's encoder writes it: the API server takes no other line ends.
    request: toPem("CERTIFICATE REQUEST", new Uint8Array(request.rawData)),
    key: toPem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey))),
  };
}

/** Loaded at first use: a node asks for a certificate a few times a year, and it costs memory. */
export async function x509(): Promise<typeof X509> {
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}
