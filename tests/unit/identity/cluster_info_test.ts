import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { readClusterInfo } from "../../../src/identity/cluster_info.ts";
import { IdentityError } from "../../../src/identity/identity_error.ts";
import { spkiHashes } from "../../../src/identity/spki_hash.ts";
import { createAuthority } from "../../testing/certificates.ts";

const token = { id: "abcdef", secret: "0123456789abcdef" };
const authority = await createAuthority();
const other = await createAuthority("other");
const kubeconfig = kubeconfigOf(authority.caPem);

test("readClusterInfo gives the CA of what the token has signed", async () => {
  const caHashes = await spkiHashes(authority.caPem);
  const info = await readClusterInfo(signed(kubeconfig), { token, caHashes });
  assert.deepEqual(info, { ca: `${authority.caPem.trimEnd()}\n`, kubeconfig });
});

test("readClusterInfo trusts of several CAs those alone that are expected, and all where none is", async () => {
  const both = signed(kubeconfigOf(`${other.caPem}\n${authority.caPem}`));
  const caHashes = await spkiHashes(authority.caPem);
  assert.deepEqual(await spkiHashes((await readClusterInfo(both, { token, caHashes })).ca), caHashes);
  assert.equal((await spkiHashes((await readClusterInfo(both, { token, caHashes: [] })).ca)).length, 2);
});

for (
  const [what, configMap, message] of [
    ["no ConfigMap", { kind: "Status" }, /has no kubeconfig/],
    ["no kubeconfig", { data: {} }, /has no kubeconfig/],
    ["no signature of the token", { data: { kubeconfig } }, /token id "abcdef" is invalid .* kubeadm token create/],
    [
      "a signature with another secret",
      signed(kubeconfig, { secret: "f".repeat(16) }),
      /secret of token id "abcdef" is wrong/,
    ],
    ["a signature of something else", { data: { ...signed("else").data, kubeconfig } }, /is wrong/],
    ["another token's signature", signed(kubeconfig, { kid: "others" }), /is wrong/],
    ["a signature that needs no key", signed(kubeconfig, { alg: "none" }), /is wrong/],
    ["a payload inside the signature", withPayload(), /is wrong/],
    ["several clusters", signed(JSON.stringify({ clusters: [cluster(""), cluster("")] })), /no CA, or several/],
    ["no CA", signed(kubeconfigOf("hello")), /no CA, or several/],
    [
      "another CA",
      signed(kubeconfigOf(other.caPem)),
      /its CA is sha256:.*, --discovery-token-ca-cert-hash wants sha256:/,
    ],
  ] as const
) {
  test(`readClusterInfo refuses ${what}`, async () => {
    const caHashes = await spkiHashes(authority.caPem);
    await assert.rejects(readClusterInfo(configMap, { token, caHashes }), (error) => {
      assert.ok(error instanceof IdentityError && !error.retryable);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /0123456789abcdef/);
      return true;
    });
  });
}

interface Signing {
  readonly secret?: string;
  readonly kid?: string;
  readonly alg?: string;
}

/** As the controller manager's bootstrapsigner does. */
function signed(payload: string, { secret = token.secret, kid = token.id, alg = "HS256" }: Signing = {}) {
  const header = base64Url(JSON.stringify({ alg, kid }));
  const mac = createHmac("sha256", secret).update(`${header}.${base64Url(payload)}`).digest("base64url");
  return { data: { kubeconfig: payload, "jws-kubeconfig-abcdef": `${header}..${mac}` } };
}

function withPayload() {
  const { data } = signed(kubeconfig);
  const jws = data["jws-kubeconfig-abcdef"].replace("..", `.${base64Url(kubeconfig)}.`);
  return { data: { ...data, "jws-kubeconfig-abcdef": jws } };
}

function kubeconfigOf(ca: string): string {
  return JSON.stringify({ clusters: [cluster(ca)] });
}

function cluster(ca: string) {
  return { name: "", cluster: { server: "https://cloud:6443", "certificate-authority-data": btoa(ca) } };
}

function base64Url(text: string): string {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
