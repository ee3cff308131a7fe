import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { requestedNames } from "../../../src/controller/signing_request.ts";
import { makeCertificateRequest } from "../../../src/identity/certificate_request.ts";
import { clientTemplate, servingTemplate } from "../../../src/identity/certificate_template.ts";
import { ipBytes } from "../../../src/identity/ip_bytes.ts";
import { withTempFolder } from "../../testing/temp_folder.ts";

const client = clientTemplate({ nodeName: "node-1", organizations: ["openyurt:tenant:a"] });
const longName = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}`;
const serving = servingTemplate({ nodeName: longName, ips: ["10.96.0.1", "fd00::2:1", "::ffff:10.0.0.1"] });

test("makeCertificateRequest makes what openssl verifies and reads the same names in", () =>
  withTempFolder(async (folder) => {
    const read = async (request: string): Promise<string> => {
      await writeFile(`${folder}/request.pem`, request);
      const words = ["req", "-in", `${folder}/request.pem`, "-verify", "-noout", "-text", "-nameopt", "RFC2253"];
      const { stdout, stderr } = await promisify(execFile)("openssl", words);
      assert.match(stdout + stderr, /verify OK/);
      return stdout;
    };
    const asked = await makeCertificateRequest(client);
    const text = await read(asked.request);
    assert.match(
      text,
      /Subject: CN=system:node:node-1,O=openyurt:tenant:a,O=system:nodes,O=openyurt:yurthub\n/,
    );
    assert.doesNotMatch(text, /Alternative/);
    assert.match(text, /Public-Key: \(256 bit\)[^]*NIST CURVE: P-256[^]*ecdsa-with-SHA256/);
    const names = await read((await makeCertificateRequest(serving)).request);
    const wanted = [
      ...["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
      ...["localhost", longName],
    ].map((name) => `DNS:${name}`);
    const addresses = ["127.0.0.1", "0:0:0:0:0:0:0:1", "10.96.0.1", "FD00:0:0:0:0:0:2:1", "0:0:0:0:0:FFFF:A00:1"];
    assert.ok(names.includes([...wanted, ...addresses.map((ip) => `IP Address:${ip}`)].join(", ")), names);
  }));

test("makeCertificateRequest signs with the key that it gives, a new one each time", async () => {
  const keys = new Set<string>();
  // Numbers of a signature are shorter now and then, or need a zero in front: each form must be taken.
  for (let turn = 0; turn < 64; turn++) {
    const { request, key } = await makeCertificateRequest(client);
    const spki = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" }).toString("base64");
    assert.ok(atobOf(request).includes(atob(spki)));
    keys.add(spki);
    assert.deepEqual(await judged(request), {
      commonName: "system:node:node-1",
      organizations: ["openyurt:yurthub", "system:nodes", "openyurt:tenant:a"],
      dnsNames: [],
      ips: [],
    });
  }
  assert.equal(keys.size, 64);
});

test("makeCertificateRequest is read by the approver as it was asked for", async () => {
  const names = await judged((await makeCertificateRequest(serving)).request);
  assert.ok(!("fault" in names));
  assert.deepEqual(names.dnsNames, serving.dnsNames);
  assert.deepEqual(names.ips.map((ip) => ipBytes(ip).join()), serving.ips.map((ip) => ipBytes(ip).join()));
});

for (
  const [address, bytes] of [
    ["0.0.0.0", [0, 0, 0, 0]],
    ["255.1.2.3", [255, 1, 2, 3]],
    ["::", Array.from({ length: 16 }, () => 0)],
    ["::1", [...Array.from({ length: 15 }, () => 0), 1]],
    ["1::", [0, 1, ...Array.from({ length: 14 }, () => 0)]],
    ["2001:db8:1:2:3:4:5:ffff", [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 255, 255]],
  ] as const
) {
  test(`ipBytes reads ${address}`, () => assert.deepEqual([...ipBytes(address)], [...bytes]));
}

for (const text of ["", "1.2.3", "1.2.3.256", "node-1", "fd00::1%eth0", "1:2", "::1::"]) {
  test(`ipBytes refuses "${text}"`, () => assert.throws(() => ipBytes(text), RangeError));
}

function judged(request: string) {
  return requestedNames({
    metadata: { name: "", uid: "" },
    spec: { request: btoa(request), signerName: "", username: "", groups: [], usages: [] },
    status: {},
  });
}

function atobOf(pem: string): string {
  return atob(pem.replace(/-----[A-Z ]+-----|\s/g, ""));
}
