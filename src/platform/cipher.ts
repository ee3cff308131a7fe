/** Authenticated encryption with one key (AES-256-GCM, a fresh nonce for each seal). */
export interface Cipher {
  /** `context` is bound to the result: it opens only with the same one. */
  seal(plaintext: Uint8Array, context: string): Uint8Array;
  /** @throws CipherError where the bytes, the context or the key are not those of the seal */
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** `key` has 32 bytes. @throws RangeError for another length */
export type CreateCipher = (key: Uint8Array) => Cipher;

/** Sealed bytes that do not open. */
export class CipherError extends Error {
  override readonly name = "CipherError";
}
