import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeconfigError, loadKubeconfig } from "../../../src/identity/kubeconfig.ts";
import { fakeFiles } from "../../testing/readable_files.ts";

const path = "/etc/kubernetes/kubelet.conf";
const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;

interface Parts {
  readonly cluster?: Record<string, unknown>;
  readonly user?: Record<string, unknown> | null;
  readonly context?: Record<string, unknown>;
  readonly rest?: Record<string, unknown>;
}

/** As JSON, which is YAML. */
function kubeconfig({ cluster = {}, user = {}, context = {}, rest = {} }: Parts): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "other", cluster: { server: "https://other" } }, {
      name: "k",
      cluster: { server: "https://cloud:6443", ...cluster },
    }],
    users: [{ name: "u", user: user === null ? null : { ...user } }],
    contexts: [{ name: "c", context: { cluster: "k", user: "u", ...context } }],
    ...rest,
  });
}

const load = (content: string, files: Readonly<Record<string, string>> = {}) =>
  loadKubeconfig({ files: fakeFiles({ [path]: content, ...files }), path });

test("loadKubeconfig reads what stands inline", async () => {
  const identity = await load(kubeconfig({
    cluster: { "certificate-authority-data": btoa(pem("CA")), "tls-server-name": "kubernetes" },
    user: { "client-certificate-data": btoa(pem("CERT")), "client-key-data": btoa(pem("KEY")) },
  }));
  assert.deepEqual(identity, {
    server: "https://cloud:6443",
    serverName: "kubernetes",
    ca: pem("CA"),
    cert: pem("CERT"),
    key: pem("KEY"),
    files: [path],
  });
});

test("loadKubeconfig reads files, beside the kubeconfig where their path is relative, and names them all", async () => {
  const pki = "/var/lib/kubelet/pki/current.pem";
  const identity = await load(
    kubeconfig({
      cluster: { "certificate-authority": "pki/ca.crt" },
      user: { "client-certificate": pki, "client-key": pki },
    }),
    { "/etc/kubernetes/pki/ca.crt": pem("CA"), [pki]: pem("CERT") + pem("KEY") },
  );
  assert.deepEqual([identity.ca, identity.cert, identity.key], [pem("CA"), pem("CERT") + pem("KEY"), identity.cert]);
  assert.deepEqual(identity.files, [path, "/etc/kubernetes/pki/ca.crt", pki, pki]);
});

test("loadKubeconfig takes what is inline before a file, as client-go does", async () => {
  const identity = await load(kubeconfig({
    cluster: { "certificate-authority-data": btoa(pem("CA")), "certificate-authority": "none.crt" },
  }));
  assert.deepEqual([identity.ca, identity.files], [pem("CA"), [path]]);
});

test("loadKubeconfig reads a token, and one in a file before it", async () => {
  assert.equal((await load(kubeconfig({ user: { token: "inline" } }))).token, "inline");
  const fromFile = kubeconfig({ user: { token: "inline", tokenFile: "/run/token" } });
  const identity = await load(fromFile, { "/run/token": "from-file\n" });
  assert.deepEqual([identity.token, identity.files], ["from-file", [path, "/run/token"]]);
});

test("loadKubeconfig reads YAML, and takes a slash off the server", async () => {
  const identity = await load(`
apiVersion: v1
kind: Config
current-context: c
preferences: {}
clusters:
- name: k
  cluster: {server: "https://cloud:6443/"}
contexts:
- {name: c, context: {cluster: k, user: u, namespace: default}}
users:
- name: u
  user:
    token: abc
`);
  assert.deepEqual(identity, { server: "https://cloud:6443", token: "abc", files: [path] });
});

test("loadKubeconfig takes a user without a credential", async () => {
  assert.deepEqual(await load(kubeconfig({ user: null })), { server: "https://cloud:6443", files: [path] });
});

const certificate = { "client-certificate-data": btoa(pem("CERT")), "client-key-data": btoa(pem("KEY")) };

for (
  const [what, content, field] of [
    ["no YAML", "a: [b", "it is no YAML"],
    ["no kubeconfig", "a: b", "clusters"],
    ["empty", "", "kubeconfig|expected object"],
    ["without contexts", kubeconfig({ rest: { contexts: undefined } }), "contexts"],
    ["without a server", kubeconfig({ cluster: { server: undefined } }), "clusters.1.cluster.server"],
    ["with a server of another type", kubeconfig({ cluster: { server: 5 } }), "clusters.1.cluster.server"],
    ["with a server that is no URL", kubeconfig({ cluster: { server: "cloud" } }), "server is no URL: cloud"],
    [
      "with a server that is no http URL",
      kubeconfig({ cluster: { server: "localhost:6443" } }),
      "server is no URL: localhost:6443",
    ],
    [
      "without current-context",
      kubeconfig({ rest: { "current-context": undefined } }),
      'current-context "" is not in contexts',
    ],
    [
      "with another current-context",
      kubeconfig({ rest: { "current-context": "x" } }),
      'current-context "x" is not in contexts',
    ],
    ["with a cluster that is missing", kubeconfig({ context: { cluster: "x" } }), 'cluster "x" is not in clusters'],
    ["with a user that is missing", kubeconfig({ context: { user: "x" } }), 'user "x" is not in users'],
    ["insecure", kubeconfig({ cluster: { "insecure-skip-tls-verify": true } }), "insecure-skip-tls-verify"],
    ["with exec", kubeconfig({ user: { exec: { command: "aws" } } }), "exec"],
    ["with auth-provider", kubeconfig({ user: { "auth-provider": { name: "gcp" } } }), "auth-provider"],
    [
      "with a certificate alone",
      kubeconfig({ user: { ...certificate, "client-key-data": undefined } }),
      "client-certificate and client-key",
    ],
    [
      "with a key alone",
      kubeconfig({ user: { ...certificate, "client-certificate-data": undefined } }),
      "client-certificate and client-key",
    ],
    [
      "with a CA that is no base64",
      kubeconfig({ cluster: { "certificate-authority-data": "%%" } }),
      "certificate-authority-data is no base64",
    ],
    [
      "with a CA that is no PEM",
      kubeconfig({ cluster: { "certificate-authority-data": btoa("x") } }),
      "certificate-authority is no PEM",
    ],
    [
      "with a CA file that is missing",
      kubeconfig({ cluster: { "certificate-authority": "ca.crt" } }),
      "certificate-authority /etc/kubernetes/ca.crt does not exist",
    ],
    [
      "with a certificate that is no PEM",
      kubeconfig({ user: { ...certificate, "client-certificate-data": btoa("x") } }),
      "client-certificate is no PEM",
    ],
    [
      "with a key file that is missing",
      kubeconfig({ user: { "client-certificate-data": btoa(pem("C")), "client-key": "/k" } }),
      "client-key /k does not exist",
    ],
    ["with a token file that is missing", kubeconfig({ user: { tokenFile: "/t" } }), "tokenFile /t does not exist"],
  ] as const
) {
  test(`loadKubeconfig refuses one ${what}, and names the file and the field`, async () => {
    await assert.rejects(load(content), (error) => {
      assert.ok(error instanceof KubeconfigError);
      assert.ok(error.message.includes(path), error.message);
      assert.match(error.message, new RegExp(field.replace(/[.*+?^${}()[\]\\]/g, "\\$&")));
      return true;
    });
  });
}

test("loadKubeconfig refuses a file that is missing", async () => {
  await assert.rejects(
    loadKubeconfig({ files: fakeFiles({}), path }),
    new KubeconfigError(`Cannot read ${path}: there is no such file`),
  );
});

test("loadKubeconfig shows no part of a key in its errors", async () => {
  const broken = `users:\n- name: u\n  user:\n    client-key-data: c2VjcmV0\n   token: [`;
  await assert.rejects(load(broken), (error) => {
    assert.ok(error instanceof Error);
    assert.ok(!`${error.message} ${String(error.cause)}`.includes("c2VjcmV0"));
    return true;
  });
});
