/** A server on this machine, and a client certificate for it. PEM texts. */
export interface Credentials {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A kubeconfig for it. */
export function kubeconfigText({ port, ca, cert, key }: Credentials): string {
  return JSON.stringify({
    "current-context": "node",
    clusters: [{
      name: "cloud",
      cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": btoa(ca) },
    }],
    users: [{ name: "node", user: { "client-certificate-data": btoa(cert), "client-key-data": btoa(key) } }],
    contexts: [{ name: "node", context: { cluster: "cloud", user: "node" } }],
  });
}
