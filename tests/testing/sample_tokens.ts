import type { TokenQuestion } from "../../src/kube/token_request.ts";

/** What the tests' tokens are bound to. */
export const boundPod: NonNullable<TokenQuestion["boundTo"]> = {
  kind: "Pod",
  apiVersion: "v1",
  name: "web",
  uid: "uid-web",
};

/** A TokenRequest as kubelet sends it. */
export function tokenRequest(spec: object = { boundObjectRef: boundPod, expirationSeconds: 3607 }): object {
  return { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1", metadata: {}, spec };
}

/** A token that nobody has signed. @param expiresAt in milliseconds since 1970 */
export function sampleToken(expiresAt: number, mark: string = "1"): string {
  const part = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return [part({ alg: "RS256" }), part({ exp: expiresAt / 1_000, jti: mark }), "c2lnbmF0dXJl"].join(".");
}

/** The API server's answer of a TokenRequest. */
export function tokenAnswer(token: string, expiresAt: number): object {
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name: "default", namespace: "default", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { audiences: ["https://kubernetes.default.svc"], expirationSeconds: 3607, boundObjectRef: boundPod },
    status: { token, expirationTimestamp: `${new Date(expiresAt).toISOString().slice(0, 19)}Z` },
  };
}
