import { createHmac } from "node:crypto";
import type { JsonAnswer } from "../../src/identity/json_api.ts";
import type { Exchange } from "../../src/platform/exchange.ts";
import type { FakeSigner } from "./fake_signer.ts";

/** With what nodes join in tests. */
const joinToken = { id: "abcdef", secret: "0123456789abcdef" };

/** As it is given to a hub. */
export const joinTokenText: string = `${joinToken.id}.${joinToken.secret}`;

/** Where certificates are asked for. */
export const requestsPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** What the signer says to what was sent. */
export async function signed({ api }: FakeSigner, exchange: Exchange): Promise<JsonAnswer> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of exchange.body) text += decoder.decode(chunk, { stream: true });
  return await api({
    method: exchange.method === "POST" ? "POST" : "GET",
    path: exchange.rawPath,
    ...(text === "" ? {} : { body: JSON.parse(text) }),
    signal: exchange.signal,
  });
}

/** The ConfigMap `cluster-info`, signed as the controller manager's bootstrapsigner does. */
export function signedInfo(ca: string): unknown {
  const cluster = { server: "https://127.0.0.1:6443", "certificate-authority-data": btoa(ca) };
  const kubeconfig = JSON.stringify({ clusters: [{ name: "", cluster }] });
  const encoded = (text: string): string => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const header = encoded(JSON.stringify({ alg: "HS256", kid: joinToken.id }));
  const mac = createHmac("sha256", joinToken.secret).update(`${header}.${encoded(kubeconfig)}`).digest("base64url");
  return { kind: "ConfigMap", data: { kubeconfig, [`jws-kubeconfig-${joinToken.id}`]: `${header}..${mac}` } };
}
