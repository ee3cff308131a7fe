import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface IssueOptions {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** DNS names and IP addresses. */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** PEM texts. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly caPem: string;
  /** Issues a certificate for server and client. */
  issue(options: IssueOptions): Promise<IssuedCertificate>;
  /** Signs a certificate request as the cluster's signer does: its key, its subject, its names. @returns PEM */
  sign(requestPem: string, validity: Validity): Promise<string>;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Makes a certificate authority for one test. */
export async function createAuthority(commonName = "holdfast test authority"): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authorityOf(authority, keys.privateKey);
}

/** The authority of a cluster, whose key the test has. PEM texts, of an elliptic curve P-256. */
export async function loadAuthority(caPem: string, keyPem: string): Promise<Authority> {
  const base64 = keyPem.replace(/-----[A-Z ]+-----|\s/g, "");
  const der = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  return authorityOf(new x509.X509Certificate(caPem), key);
}

function authorityOf(authority: x509.X509Certificate, signingKey: CryptoKey): Authority {
  return {
    caPem: authority.toString("pem"),
    issue: (options) => issue(options, { issuer: authority, signingKey }),
    sign: async (requestPem, validity) => {
      const request = new x509.Pkcs10CertificateRequest(requestPem);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: request.subjectName,
        issuer: authority.subject,
        ...validity,
        signingAlgorithm: ALGORITHM,
        publicKey: request.publicKey,
        signingKey,
        extensions: [...request.extensions],
      });
      return certificate.toString("pem");
    },
  };
}

async function issue(
  options: IssueOptions,
  by: { readonly issuer: x509.X509Certificate; readonly signingKey: CryptoKey },
): Promise<IssuedCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const organizations = options.organizations ?? [];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...organizations.map((name) => ({ O: [name] })), { CN: [options.commonName] }],
    issuer: by.issuer.subject,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS / 2),
    notAfter: options.notAfter ?? new Date(Date.now() + DAY_MS / 2),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: by.signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension((options.names ?? []).map(generalName)),
      await x509.AuthorityKeyIdentifierExtension.create(by.issuer),
    ],
  });
  return { cert: certificate.toString("pem"), key: await privateKeyPem(keys.privateKey) };
}

function generalName(name: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(name) ? "ip" : "dns", value: name };
}

function serialNumber(): string {
  // A first byte under 0x80 keeps the number positive.
  return `01${crypto.randomUUID().replaceAll("-", "")}`;
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
  const base64 = btoa(String.fromCharCode(...der)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}
