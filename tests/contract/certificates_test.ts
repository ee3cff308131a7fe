import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { isIssuedBy } from "../../adapters/shared/certificates.ts";
import { createAuthority } from "../testing/certificates.ts";
import { withTempFolder } from "../testing/temp_folder.ts";

test("IsIssuedBy tells by whom a certificate was signed, whatever else the bundle holds", async () => {
  const [ours, other] = await Promise.all([createAuthority(), createAuthority()]);
  const { cert } = await ours.issue({ commonName: "node" });
  assert.equal(isIssuedBy(cert, ours.caPem), true);
  assert.equal(isIssuedBy(cert, `# ours\n${other.caPem}\n${ours.caPem}`), true);
  // Of the same name, with another key.
  assert.equal(isIssuedBy(cert, other.caPem), false);
  assert.equal(isIssuedBy(cert, cert), false);
  for (const none of ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
    assert.equal(isIssuedBy(cert, none), false);
    assert.equal(isIssuedBy(none, ours.caPem), false);
    assert.equal(isIssuedBy(cert, none + ours.caPem), true);
  }
});

test("IsIssuedBy takes a CA whose key nobody understands for one that has signed nothing", async () => {
  const ours = await createAuthority();
  const { cert } = await ours.issue({ commonName: "node" });
  const [before = "", base64 = "", after = ""] = ours.caPem.split(/(?<=CERTIFICATE-----\n)|(?=-----END)/);
  const der = Buffer.from(base64, "base64");
  const curve = der.indexOf(Buffer.from("06082a8648ce3d030107", "hex")); // prime256v1 (RFC 5480, section 2.1.1.1)
  assert.notEqual(curve, -1);
  der[curve + 9] = 0x7f;
  const unknown = `${before}${der.toString("base64")}\n${after}`;
  assert.equal(isIssuedBy(cert, unknown), false);
  assert.equal(isIssuedBy(cert, unknown + ours.caPem), true);
});

test("IsIssuedBy follows a chain of certificates, of RSA too", () =>
  withTempFolder(async (folder) => {
    const openssl = (words: string) => promisify(execFile)("openssl", words.split(" "), { cwd: folder });
    await writeFile(`${folder}/ca.ext`, "basicConstraints=critical,CA:true\n");
    const newKey = "req -newkey rsa:2048 -nodes -sha256";
    await openssl(`${newKey} -x509 -subj /CN=root -keyout root.key -out root.crt`);
    await openssl(`${newKey} -subj /CN=between -keyout between.key -out between.csr`);
    await openssl("x509 -req -in between.csr -CA root.crt -CAkey root.key -extfile ca.ext -out between.crt");
    await openssl(`${newKey} -subj /CN=node -keyout node.key -out node.csr`);
    await openssl("x509 -req -in node.csr -CA between.crt -CAkey between.key -out node.crt");
    const [root, between, node] = await Promise.all(
      ["root", "between", "node"].map((name) => readFile(`${folder}/${name}.crt`, "utf8")),
    );
    assert.equal(isIssuedBy(`${node}${between}`, `${root}`), true);
    assert.equal(isIssuedBy(`${node}`, `${between}`), true);
    assert.equal(isIssuedBy(`${node}`, `${root}`), false);
    const { caPem } = await createAuthority();
    assert.equal(isIssuedBy(`${node}${between}`, caPem), false);
  }));
