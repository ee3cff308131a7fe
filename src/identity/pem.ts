/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
  /** From its BEGIN line to its END line, with a line end. */
  readonly text: string;
}

/** The blocks with this label, or of all kinds; what stands around them does not count. */
export function pemBlocks(pem: string, label?: string): readonly PemBlock[] {
  const blocks = pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g);
  return [...blocks]
    .map(([text, found = "", base64 = ""]) => ({ label: found, der: fromBase64(base64), text: `${text}\n` }))
    .filter((block) => label === undefined || block.label === label);
}

/** The certificates of a text that may hold a key too, as PEM. */
export function certificatesOf(pem: string): string {
  return pemBlocks(pem, "CERTIFICATE").map(({ text }) => text).join("");
}

/** The private key of a text that may hold certificates too, as PEM; empty where there is none. */
export function privateKeyOf(pem: string): string {
  return pemBlocks(pem).find(({ label }) => label.endsWith("PRIVATE KEY"))?.text ?? "";
}

export function toPem(label: string, der: Uint8Array): string {
  const base64 = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join(""));
  return `-----BEGIN ${label}-----\n${base64.replace(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;
}

/** @throws RangeError where it is no base64 */
function fromBase64(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new RangeError("Cannot read PEM: it is no base64", { cause });
  }
}
