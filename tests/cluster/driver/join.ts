import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificateRequest } from "../../../src/identity/certificate_request.ts";
import type { CertificateTemplate } from "../../../src/identity/certificate_template.ts";
import { spkiHashes } from "../../../src/identity/spki_hash.ts";
import { type ApiAnswer, type ApiClient, getJson } from "./api_client.ts";
import type { Cluster } from "./cluster.ts";
import type { Hub } from "./hub.ts";
import { waitFor } from "./wait.ts";

/** The join token that every cluster accepts (`kube/up.go`). */
const joinToken = "holdfa.st0123456789abcd";

const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** The flags that a hub joins the cluster with, once the cluster has signed cluster-info with the token. */
export async function joinFlags(cluster: Cluster): Promise<readonly string[]> {
  await waitFor("cluster-info to be signed", 30_000, async () => {
    const { data } = await getJson(cluster.api, "/api/v1/namespaces/kube-public/configmaps/cluster-info");
    return data?.["jws-kubeconfig-holdfa"] !== undefined;
  });
  const [hash] = await spkiHashes(readFileSync(join(cluster.dir, "ca.crt"), "utf8"));
  return [`--join-token=${joinToken}`, `--discovery-token-ca-cert-hash=${hash}`];
}

/** A request for a certificate as the API server shows it. */
export interface SigningRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly username: string; readonly signerName: string; readonly request: string };
  readonly status?: {
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[];
  };
}

/** All of one signer, or of all. */
export async function signingRequests(api: ApiClient, signer = ""): Promise<readonly SigningRequest[]> {
  // The tests' assertions look at the fields.
  const { items = [] } = await getJson(api, requests) as unknown as { readonly items?: readonly SigningRequest[] };
  return items.filter(({ spec }) => signer === "" || spec.signerName === `kubernetes.io/${signer}`);
}

export interface Requester {
  readonly user: string;
  readonly group: string;
}

/** Asks for a certificate as somebody else. @returns the request's name */
export async function askForCertificate(
  api: ApiClient,
  template: CertificateTemplate,
  { user, group }: Requester,
): Promise<string> {
  const { request } = await makeCertificateRequest(template);
  const { signerName, usages } = template;
  const answer = await api(requests, {
    method: "POST",
    headers: { "Impersonate-User": user, "Impersonate-Group": group },
    body: JSON.stringify({
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { generateName: "test-" },
      spec: { request: btoa(request), signerName, usages },
    }),
  });
  // Whoever may not even ask is refused before.
  assert.equal(answer.status, 201, answer.text);
  return (JSON.parse(answer.text) as SigningRequest).metadata.name;
}

/** Approves or denies it by hand. */
export async function judge(api: ApiClient, name: string, type: "Approved" | "Denied"): Promise<ApiAnswer> {
  const request = JSON.parse((await api(`${requests}/${name}`)).text) as Record<string, unknown>;
  const conditions = [{ type, status: "True", reason: "ByHand", message: "the test says so" }];
  return await api(`${requests}/${name}/approval`, {
    method: "PUT",
    body: JSON.stringify({ ...request, status: { conditions } }),
  });
}

/** Approves the certificate of a hub's TLS port by hand, and waits until that is open. */
export async function approveServing(
  api: ApiClient,
  { hub, nodeName }: { readonly hub: Hub; readonly nodeName: string },
): Promise<void> {
  const request = await waitFor("the request for the serving certificate", 20_000, async () => {
    const all = await signingRequests(api, "kubelet-serving");
    return all.find(({ spec }) => spec.username === `system:node:${nodeName}`);
  });
  await judge(api, request.metadata.name, "Approved");
  await waitFor("the TLS port to open", 30_000, async (seen) => {
    const { text } = await hub.status("/readyz?verbose");
    seen(text);
    return text.includes("[+]secure-port ok");
  });
}
