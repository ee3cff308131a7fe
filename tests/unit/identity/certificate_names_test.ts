import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateNames } from "../../../src/identity/certificate_names.ts";
import { ipBytes } from "../../../src/identity/ip_bytes.ts";
import { createAuthority } from "../../testing/certificates.ts";

test("certificateNames reads subject, names and addresses of a certificate", async () => {
  const { issue } = await createAuthority();
  const { cert } = await issue({
    commonName: "system:node:node-1",
    organizations: ["system:nodes", "openyurt:yurthub"],
    names: ["kubernetes.default.svc", "127.0.0.1", "localhost", "fd00::2:1"],
  });
  assert.deepEqual(certificateNames(cert), {
    commonName: "system:node:node-1",
    organizations: ["system:nodes", "openyurt:yurthub"],
    dnsNames: ["kubernetes.default.svc", "localhost"],
    ips: [ipBytes("127.0.0.1"), ipBytes("fd00::2:1")],
  });
});

test("certificateNames gives no names where a certificate has none, and refuses what is no certificate", async () => {
  const { caPem } = await createAuthority("somebody");
  assert.deepEqual(certificateNames(caPem), { commonName: "somebody", organizations: [], dnsNames: [], ips: [] });
  for (const text of ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]) {
    assert.throws(() => certificateNames(text), RangeError);
  }
});
