import type * as X509 from "@peculiar/x509";
import { z } from "zod";
import { pemBlocks } from "../identity/pem.ts";

/** A CertificateSigningRequest, as far as its approval depends on it; the rest rides along. */
export interface SigningRequest {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    /** PEM in base64. */
    readonly request: string;
    readonly signerName: string;
    readonly username: string;
    readonly groups: readonly string[];
    readonly usages: readonly string[];
  };
  readonly status: {
    readonly certificate?: string | undefined;
    readonly conditions?: readonly { readonly type: string }[] | null | undefined;
  };
}

export const signingRequestSchema: z.ZodType<SigningRequest> = z.looseObject({
  metadata: z.looseObject({ name: z.string(), uid: z.string() }),
  spec: z.looseObject({
    request: z.string(),
    signerName: z.string(),
    username: z.string().default(""),
    groups: z.array(z.string()).default([]),
    usages: z.array(z.string()).default([]),
  }),
  status: z.looseObject({
    certificate: z.string().optional(),
    conditions: z.array(z.looseObject({ type: z.string() })).nullish(),
  }).default({}),
});

/** What the certificate would say. */
export interface RequestedNames {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
}

const subjectAlternativeName = "2.5.29.17";

/**
 * Reads the PKCS #10 request. Whatever is in it beside organizations, one common name, DNS names and IP addresses is a fault:
 * what is not understood is not vouched for.
 *
 * @returns the fault in words, where there is one
 */
export async function requestedNames({ spec }: SigningRequest): Promise<RequestedNames | { readonly fault: string }> {
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await x509();
  try {
    const blocks = pemBlocks(atob(spec.request));
    const [block] = blocks;
    if (block === undefined || blocks.length > 1 || block.label !== "CERTIFICATE REQUEST") {
      return { fault: "it holds no certificate request, or several" };
    }
    const request = new Pkcs10CertificateRequest(block.der.slice());
    if (!await request.verify()) return { fault: "it is not signed with its own key" };
    const alternative = request.getExtension(subjectAlternativeName);
    if (request.extensions.some(({ type }) => type !== subjectAlternativeName)) {
      return { fault: "it asks for extensions beyond subject alternative names" };
    }
    const names = alternative instanceof SubjectAlternativeNameExtension ? alternative.names.toJSON() : [];
    if (names.some(({ type }) => type !== "dns" && type !== "ip")) {
      return { fault: "it asks for names that are neither DNS names nor IP addresses" };
    }
    const subject = request.subjectName.toJSON().flatMap((part) => Object.entries(part));
    const valuesOf = (wanted: string): string[] => subject.flatMap(([key, values]) => key === wanted ? values : []);
    const [commonName = "", ...further] = valuesOf("CN");
    if (further.length > 0 || subject.some(([key]) => key !== "CN" && key !== "O")) {
      return { fault: "its subject has more than organizations and one common name" };
    }
    return {
      commonName,
      organizations: valuesOf("O"),
      dnsNames: names.filter(({ type }) => type === "dns").map(({ value }) => value),
      ips: names.filter(({ type }) => type === "ip").map(({ value }) => value),
    };
  } catch (error) {
    return { fault: `it cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Only where requests are judged: the hub, which shares this program, is spared it (docs/adr/0005). */
async function x509(): Promise<typeof X509> {
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}
