import type { FileSystem } from "../platform/files.ts";
import type { Logger } from "../platform/logger.ts";
import type { CertificatePair, ServingCertificate } from "./secure_listener.ts";

export interface ServingFilesOptions {
  readonly files: FileSystem;
  readonly certFile: string;
  readonly keyFile: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A serving certificate that somebody else keeps in two files; they are read again whenever one of them changes. */
export async function openServingFiles(options: ServingFilesOptions): Promise<ServingCertificate> {
  const { files, certFile, keyFile, logger, signal } = options;
  const listeners = new Set<() => void>();
  let pair = await read(options);
  const changed = async (): Promise<void> => {
    const next = await read(options);
    if (next === undefined || (next.cert === pair?.cert && next.key === pair.key)) return;
    pair = next;
    logger.log("info", "The serving certificate was read", { certFile });
    for (const listener of listeners) listener();
  };
  for (const path of [certFile, keyFile]) files.watch(path, () => void changed(), signal);
  return { current: () => pair, onChange: (callback) => void listeners.add(callback) };
}

/** @returns nothing as long as one of them is missing, or cannot be read: that is logged */
async function read({ files, certFile, keyFile, logger }: ServingFilesOptions): Promise<CertificatePair | undefined> {
  try {
    const [cert, key] = await Promise.all([files.read(certFile), files.read(keyFile)]);
    if (cert === undefined || key === undefined) return undefined;
    const decoder = new TextDecoder();
    return { cert: decoder.decode(cert), key: decoder.decode(key) };
  } catch (error) {
    logger.log("warn", "The serving certificate cannot be read", { error: String(error) });
    return undefined;
  }
}
