import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { spkiHashes } from "../../../src/identity/spki_hash.ts";
import { createAuthority } from "../../testing/certificates.ts";

test("spkiHashes gives what kubeadm's --discovery-token-ca-cert-hash names, of each certificate of a bundle once", async () => {
  const [one, two] = await Promise.all([createAuthority("one"), createAuthority("two")]);
  const hashes = [hashOf(one.caPem), hashOf(two.caPem)].toSorted();
  assert.deepEqual(await spkiHashes(`# a comment\n${one.caPem}\n${two.caPem}\r\n${one.caPem}`), hashes);
  assert.deepEqual(await spkiHashes(""), []);
});

test("spkiHashes depends on the key alone", async () => {
  const authority = await createAuthority();
  const leaf = await authority.issue({ commonName: "a" });
  assert.notDeepEqual(await spkiHashes(authority.caPem), await spkiHashes(leaf.cert));
  assert.deepEqual(await spkiHashes(leaf.cert), [hashOf(leaf.cert)]);
});

for (
  const [what, der] of [
    ["nothing", []],
    ["no sequence", [0x04, 0x01, 0x00]],
    ["an empty sequence", [0x30, 0x00]],
    ["a length beyond its end", [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x30, 0x00]],
    ["a length of a length that nobody writes", [0x30, 0xff]],
  ] as const
) {
  test(`spkiHashes rejects a certificate of ${what}`, async () => {
    const pem = `-----BEGIN CERTIFICATE-----\n${btoa(String.fromCharCode(...der))}\n-----END CERTIFICATE-----`;
    await assert.rejects(spkiHashes(pem), RangeError);
  });
}

function hashOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}
