import type { FileSystem } from "../platform/files.ts";
import { KubeconfigError, type NodeIdentity } from "./kubeconfig.ts";
import { certificatesOf, privateKeyOf } from "./pem.ts";

export interface CertificateFiles {
  readonly files: FileSystem;
  /** PEM. */
  readonly caFile: string;
  /** PEM: certificate and key in one. */
  readonly certificateFile: string;
}

/** Reads the identity that a certificate's file gives: kubelet's, or the hub's own. @throws KubeconfigError, FileError */
export async function loadCertificateIdentity(
  { files, caFile, certificateFile }: CertificateFiles,
): Promise<NodeIdentity> {
  const ca = await textOf(files, caFile);
  const pair = await textOf(files, certificateFile);
  const cert = certificatesOf(pair);
  const key = privateKeyOf(pair);
  if (cert === "" || key === "") {
    throw new KubeconfigError(`Cannot use ${certificateFile}: it must hold a certificate and its key`);
  }
  return { ca: certificatesOf(ca), cert, key, files: [caFile, certificateFile] };
}

async function textOf(files: FileSystem, path: string): Promise<string> {
  const content = await files.read(path);
  if (content === undefined) throw new KubeconfigError(`Cannot read ${path}: there is no such file`);
  return new TextDecoder().decode(content);
}
