import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createCipher } from "../../adapters/shared/cipher.ts";
import { CipherError } from "../../src/platform/cipher.ts";
import { createFakeRandom } from "../testing/fake_random.ts";

const key = createFakeRandom(1).bytes(32);
const plaintext = new TextEncoder().encode("a Secret's bytes");
const isCipherError = (error: unknown): boolean => error instanceof CipherError;

describe("Cipher", () => {
  it("open gives back what was sealed, for any bytes and context", () => {
    const cipher = createCipher(key);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.string({ unit: "binary" }), (bytes, context) => {
        const opened = cipher.open(cipher.seal(bytes, context), context);
        assert.deepEqual(Uint8Array.from(opened), Uint8Array.from(bytes));
      }),
      { numRuns: 50 },
    );
  });

  it("seal makes version, nonce, ciphertext and tag, and another nonce each time", () => {
    const cipher = createCipher(key);
    const sealed = Array.from({ length: 1_000 }, () => cipher.seal(plaintext, "key"));
    assert.equal(sealed[0]?.length, 1 + 12 + plaintext.length + 16);
    assert.equal(sealed[0]?.[0], 1);
    assert.equal(new Set(sealed.map((bytes) => bytes.subarray(1, 13).join())).size, 1_000);
    assert.ok(!Buffer.from(sealed[0] ?? []).includes(Buffer.from(plaintext)));
  });

  it("open refuses bytes with any one bit changed", () => {
    const cipher = createCipher(key);
    const sealed = cipher.seal(plaintext, "key");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => cipher.open(changed, "key"), isCipherError, `bit ${bit}`);
    }
  });

  it("open refuses bytes that were cut off or added to", () => {
    const cipher = createCipher(key);
    const sealed = cipher.seal(plaintext, "key");
    for (let length = 0; length < sealed.length; length++) {
      assert.throws(() => cipher.open(sealed.subarray(0, length), "key"), isCipherError, `${length} bytes`);
    }
    assert.throws(() => cipher.open(Uint8Array.of(...sealed, 0), "key"), isCipherError);
  });

  it("open refuses another context and another key", () => {
    const sealed = createCipher(key).seal(plaintext, "secrets/a");
    for (const context of ["", "secrets/b", "secrets/a ", "secrets"]) {
      assert.throws(() => createCipher(key).open(sealed, context), isCipherError);
    }
    assert.throws(() => createCipher(createFakeRandom(2).bytes(32)).open(sealed, "secrets/a"), isCipherError);
  });

  it("createCipher takes keys of 32 bytes only, and keeps its own copy", () => {
    for (const length of [0, 16, 31, 33]) assert.throws(() => createCipher(new Uint8Array(length)), RangeError);
    const given = key.slice();
    const cipher = createCipher(given);
    given.fill(0);
    assert.deepEqual(Uint8Array.from(createCipher(key).open(cipher.seal(plaintext, "c"), "c")), plaintext);
  });
});
