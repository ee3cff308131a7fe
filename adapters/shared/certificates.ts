import { X509Certificate } from "node:crypto";
import type { IsIssuedBy } from "../../src/platform/certificates.ts";

export const isIssuedBy: IsIssuedBy = (chain, bundle) => {
  const cas = certificatesOf(bundle);
  const [first, ...between] = certificatesOf(chain);
  let current = first;
  for (let steps = 0; current !== undefined && steps <= between.length; steps++) {
    const signed = current;
    if (cas.some((ca) => isSignedBy(signed, ca))) return true;
    current = between.find((candidate) => candidate !== signed && isSignedBy(signed, candidate));
  }
  return false;
};

/** A key of a kind that is not known here has signed nothing. */
function isSignedBy(certificate: X509Certificate, ca: X509Certificate): boolean {
  try {
    return certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
  } catch {
    return false;
  }
}

/** What is no certificate is left out. */
function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
