import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { type Cipher, CipherError, type CreateCipher } from "../../src/platform/cipher.ts";

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const VERSION = 1;
const NONCE_BYTES = 12;
const NONCES_DRAWN = 256;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;

/**
 * Makes a cipher of AES-256-GCM on `node:crypto`. A sealed value is a version byte (1), a random nonce of 12 bytes, the
 * ciphertext and a tag of 16 bytes; the version and the context are authenticated with it. NIST SP 800-38D 8.3 allows
 * 2^32 seals with one key.
 *
 * @throws RangeError where the key has not 32 bytes
 */
export const createCipher: CreateCipher = (key): Cipher => {
  if (key.length !== KEY_BYTES) {
    throw new RangeError(`Cannot use a key of ${key.length} bytes: AES-256 takes ${KEY_BYTES}`);
  }
  const ownKey = Uint8Array.from(key);
  return {
    seal: (plaintext, context) => seal(ownKey, { bytes: plaintext, context }),
    open: (sealed, context) => open(ownKey, { bytes: sealed, context }),
  };
};

interface Message {
  readonly bytes: Uint8Array;
  readonly context: string;
}

function seal(key: Uint8Array, message: Message): Uint8Array {
  const nonce = nextNonce();
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData(message.context));
  const ciphertext = cipher.update(message.bytes);
  // GCM is a stream mode: final() gives no further bytes, it computes the tag.
  cipher.final();
  const sealed = new Uint8Array(HEAD_BYTES + ciphertext.length + TAG_BYTES);
  sealed[0] = VERSION;
  sealed.set(nonce, 1);
  sealed.set(ciphertext, HEAD_BYTES);
  sealed.set(cipher.getAuthTag(), HEAD_BYTES + ciphertext.length);
  return sealed;
}

/** Random bytes for nonces, each used once: asking the system for each costs as much as to encrypt a small value. */
let nonces = new Uint8Array();

function nextNonce(): Uint8Array {
  if (nonces.length === 0) nonces = randomBytes(NONCE_BYTES * NONCES_DRAWN);
  const nonce = nonces.subarray(0, NONCE_BYTES);
  nonces = nonces.subarray(NONCE_BYTES);
  return nonce;
}

function open(key: Uint8Array, message: Message): Uint8Array {
  const sealed = message.bytes;
  if (sealed.length < HEAD_BYTES + TAG_BYTES) {
    throw new CipherError(`Cannot open a sealed value: ${sealed.length} bytes are too few`);
  }
  if (sealed[0] !== VERSION) throw new CipherError(`Cannot open a sealed value: version ${sealed[0]} is unknown`);
  const tagStart = sealed.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1, HEAD_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData(message.context));
    decipher.setAuthTag(sealed.subarray(tagStart));
    const plaintext = decipher.update(sealed.subarray(HEAD_BYTES, tagStart));
    decipher.final();
    return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
  } catch (cause) {
    throw new CipherError("Cannot open a sealed value: it was changed, or sealed with another key or context", {
      cause,
    });
  }
}

function additionalData(context: string): Uint8Array {
  return new TextEncoder().encode(`${VERSION}\n${context}`);
}
