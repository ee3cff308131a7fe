import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { FlagEffect, FlagScene } from "../flag_scene.ts";
import { joinTokenText, requestsPath } from "../joining.ts";
import type { HubInProcess } from "../hub_in_process.ts";
import { ask, podsPath } from "./asking.ts";

const joining = { kubeconfig: "", "join-token": joinTokenText, "discovery-token-ca-cert-hash": "{caHash}" };

/** In whose name a request goes to the cloud. */
async function callerOf(hub: HubInProcess, { cloud }: FlagScene): Promise<string> {
  assert.equal((await ask(hub, podsPath)).status, 200);
  return cloud.asked.findLast(({ what }) => what === `GET ${podsPath}`)?.caller ?? "";
}

/** kubelet's own files. */
async function writeKubelet({ cloud: { signer: { authority } }, folder }: FlagScene): Promise<void> {
  const { cert, key } = await authority.issue({ commonName: "system:node:of-kubelet" });
  await writeFile(`${folder}/kubelet.pem`, `${cert}\n${key}`);
  await writeFile(`${folder}/kubelet-ca.crt`, authority.caPem);
}

const kubeletFiles = {
  kubeconfig: "",
  "kubelet-ca-file": "{folder}/kubelet-ca.crt",
  "kubelet-client-certificate": "{folder}/kubelet.pem",
};

async function isKubelet(hub: HubInProcess, scene: FlagScene): Promise<void> {
  assert.equal(await callerOf(hub, scene), "system:node:of-kubelet");
}

/** Flags of who the hub is to the cloud. */
export const identityEffects: readonly FlagEffect[] = [
  {
    flags: { kubeconfig: "{folder}/other" },
    prepare: ({ cloud, folder }) => cloud.writeKubeconfig(`${folder}/other`, "system:node:of-other"),
    see: async (hub, scene) => assert.equal(await callerOf(hub, scene), "system:node:of-other"),
  },
  {
    flags: { "join-token": joinTokenText, "discovery-token-ca-cert-hash": "{caHash}" },
    with: { kubeconfig: "" },
    realTime: true,
    see: async (hub, scene) => {
      const asking = scene.cloud.asked.find(({ what }) => what === `POST ${requestsPath}`);
      assert.deepEqual([asking?.token, asking?.caller], [joinTokenText, ""]);
      assert.equal(await callerOf(hub, scene), "system:node:node-1");
    },
  },
  {
    flags: { "bootstrap-file": "{folder}/bootstrap" },
    with: { ...joining, "join-token": "" },
    realTime: true,
    prepare: async ({ folder }) => {
      const user = { name: "u", user: { token: joinTokenText } };
      const cluster = { name: "c", cluster: { server: "https://127.0.0.1:1" } };
      const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
      const config = { "current-context": "x", clusters: [cluster], users: [user], contexts };
      await writeFile(`${folder}/bootstrap`, JSON.stringify(config));
    },
    see: async (hub, scene) => assert.equal(await callerOf(hub, scene), "system:node:node-1"),
  },
  {
    flags: { "discovery-token-unsafe-skip-ca-verification": "true" },
    with: { ...joining, "discovery-token-ca-cert-hash": "" },
    realTime: true,
    see: async (hub, scene) => assert.equal(await callerOf(hub, scene), "system:node:node-1"),
  },
  {
    flags: { "hub-cert-organizations": "openyurt:tenant:a" },
    with: joining,
    realTime: true,
    see: (_hub, { cloud, folder }) => {
      const { subject } = new X509Certificate(readFileSync(`${folder}/state/pki/hub-client-current.pem`));
      assert.match(subject, /O=openyurt:tenant:a$/m);
      assert.equal(cloud.signer.requests[0]?.spec.signerName, "kubernetes.io/kube-apiserver-client");
      return Promise.resolve();
    },
  },
  {
    flags: { "cert-mgr-mode": "kubelet", ...kubeletFilesOnly() },
    with: { kubeconfig: "" },
    prepare: writeKubelet,
    see: isKubelet,
  },
  {
    flags: { "bootstrap-mode": "kubeletcertificate" },
    with: kubeletFiles,
    prepare: writeKubelet,
    see: isKubelet,
  },
  {
    flags: { "node-ip": "127.0.0.9" },
    realTime: true,
    see: async (_hub, { folder, until }) => {
      const path = `${folder}/state/pki/hub-server-current.pem`;
      await until(() => existsSync(path));
      assert.match(new X509Certificate(readFileSync(path)).subjectAltName ?? "", /IP Address:127\.0\.0\.9/);
    },
  },
];

function kubeletFilesOnly(): Omit<typeof kubeletFiles, "kubeconfig"> {
  const { kubeconfig: _none, ...files } = kubeletFiles;
  return files;
}
