import type { FileSystem } from "../platform/files.ts";
import { certificateMembers } from "./certificate_members.ts";
import { certificatesOf, pemBlocks, privateKeyOf } from "./pem.ts";

/** A certificate with its key, and what is kept of how it came. */
export interface HeldCertificate {
  /** PEM, the chain where one came. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** When it came, which is later than its notBefore: signers set that back. */
  readonly arrivedAt: number;
  /** `templateText` of what was asked for. */
  readonly wanted: string;
}

/** A request that was sent, or is about to be. */
export interface PendingRequest {
  /** Of the CertificateSigningRequest. */
  readonly name: string;
  /** PEM. */
  readonly request: string;
  /** PEM. */
  readonly key: string;
  readonly wanted: string;
}

const mode = 0o600;

/**
 * Reads a file with certificate and key in one, so that they change together. Before its blocks stands explanatory text
 * (RFC 7468, section 2), which other programs skip.
 *
 * @returns nothing where there is none, or it is damaged: a new one is asked for
 */
export async function readCertificate(files: FileSystem, path: string): Promise<HeldCertificate | undefined> {
  const text = await textOf(files, path);
  const cert = certificatesOf(text);
  const key = privateKeyOf(text);
  const der = pemBlocks(cert)[0]?.der;
  if (der === undefined || key === "") return undefined;
  try {
    const { notBefore, notAfter } = certificateMembers(der);
    const arrivedAt = Date.parse(noteOf(text, "Arrived"));
    const wanted = noteOf(text, "Requested");
    return { cert, key, notAfter, arrivedAt: Number.isNaN(arrivedAt) ? notBefore : arrivedAt, wanted };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** @throws FileError */
export async function writeCertificate(files: FileSystem, path: string, held: HeldCertificate): Promise<void> {
  const notes = `Arrived: ${new Date(held.arrivedAt).toISOString()}\nRequested: ${held.wanted}\n`;
  await write(files, path, `${notes}${held.cert}${held.key}`);
}

/** @returns nothing where there is none. @throws FileError */
export async function readPending(files: FileSystem, path: string): Promise<PendingRequest | undefined> {
  const text = await textOf(files, path);
  const request = pemBlocks(text, "CERTIFICATE REQUEST")[0]?.text;
  const [name, wanted, key] = [noteOf(text, "Name"), noteOf(text, "Requested"), privateKeyOf(text)];
  return request === undefined || name === "" || key === "" ? undefined : { name, request, key, wanted };
}

/** @throws FileError */
export async function writePending(files: FileSystem, path: string, pending: PendingRequest): Promise<void> {
  const { name, request, key, wanted } = pending;
  await write(files, path, `Name: ${name}\nRequested: ${wanted}\n${request}${key}`);
}

async function write(files: FileSystem, path: string, text: string): Promise<void> {
  await files.writeAtomic(path, new TextEncoder().encode(text), { mode });
}

async function textOf(files: FileSystem, path: string): Promise<string> {
  return new TextDecoder().decode(await files.read(path));
}

function noteOf(text: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? "";
}
