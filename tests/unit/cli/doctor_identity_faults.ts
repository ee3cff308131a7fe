import { createAuthority } from "../../testing/certificates.ts";
import { type Fault, text } from "./doctor_fault.ts";

const hour = 60 * 60_000;

/** Of certificates. */
export const identityFaults: readonly Fault[] = [
  {
    what: "an expired certificate",
    plant: (world) => world.identify("system:node:node-1", new Date(world.clock.now() - hour)),
    check: "identity",
    status: "failed",
    says: /certificate in \/etc\/holdfast\/node.conf expired at 20/,
    advises: /whoever renews \/etc\/holdfast\/node.conf has not/,
  },
  {
    what: "a certificate that nobody renews",
    plant: (world) => world.identify("system:node:node-1", new Date(world.clock.now() + hour / 2)),
    check: "identity",
    status: "warning",
    says: /expires in (29|30)m, and nobody has renewed it/,
    advises: /rotateCertificates/,
  },
  {
    what: "another node's certificate",
    plant: (world) => world.identify("system:node:node-2"),
    check: "identity",
    status: "failed",
    says: /is of system:node:node-2, and --node-name is node-1/,
    advises: /--node-name/,
  },
  {
    what: "a certificate of no node",
    plant: (world) => world.identify("kubernetes-admin"),
    check: "identity",
    status: "warning",
    says: /is of kubernetes-admin \(system:nodes\), not of system:node:node-1/,
    advises: /reads and writes as that user/,
  },
  {
    what: "an identity that the API server does not take",
    plant: (world) => void (world.cloud = (path) => path === "/readyz" ? undefined : text("{}", 401)),
    check: "identity",
    status: "failed",
    says: /does not take the node's identity \(401\)/,
    advises: /join again/,
  },
  {
    what: "no identity at all",
    plant: (world) => void (world.flags["kubeconfig"] = [""]),
    check: "identity",
    status: "failed",
    says: /cannot start: \/var\/lib\/holdfast\/pki has no certificate yet/,
    advises: /kubeadm token create --print-join-command/,
  },
  {
    what: "a kubeconfig that is not there",
    plant: (world) => void world.files.delete("/etc/holdfast/node.conf"),
    check: "identity",
    status: "failed",
    says: /Cannot read \/etc\/holdfast\/node.conf: there is no such file/,
    advises: /--kubeconfig/,
  },
  {
    what: "a serving certificate without the Service's address",
    plant: (world) =>
      void (world.cloud = (path) =>
        path.endsWith("/services/kubernetes")
          ? text(JSON.stringify({ spec: { clusterIPs: ["10.96.0.1", "10.43.0.1"] } }))
          : undefined),
    check: "serving-certificate",
    status: "failed",
    says: /is not for 10\.43\.0\.1: clients that use these refuse it/,
    advises: /within the hour/,
  },
  {
    what: "a serving certificate without loopback and the dummy interface",
    plant: (world) =>
      world.serve(["kubernetes", "kubernetes.default", "kubernetes.default.svc", "node-1", "10.96.0.1"]),
    check: "serving-certificate",
    status: "failed",
    says: /is not for kubernetes\.default\.svc\.cluster\.local, localhost, 127\.0\.0\.1, ::1, 169\.254\.2\.1:/,
    advises: /approved/,
  },
  {
    what: "a serving certificate that pods do not believe",
    plant: async (world) => {
      const other = await createAuthority("another");
      world.files.set("/var/lib/holdfast/pki/kube-root-ca.crt", { text: other.caPem, mode: 0o600 });
    },
    check: "serving-certificate",
    status: "warning",
    says: /pods do not believe the HTTPS port's certificate/,
    advises: /--root-ca-file/,
  },
  {
    what: "a serving certificate that waits for its approval",
    plant: (world) => {
      world.files.delete("/var/lib/holdfast/pki/hub-server-current.pem");
      const blocks = ["CERTIFICATE REQUEST", "PRIVATE KEY"].map((label) =>
        `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
      );
      world.files.set("/var/lib/holdfast/pki/hub-server-pending.pem", {
        text: `Name: holdfast-1\nRequested: x\n${blocks.join("")}`,
        mode: 0o600,
      });
    },
    check: "serving-certificate",
    status: "warning",
    says: /the request holdfast-1 waits for its approval/,
    advises: /kubectl certificate approve holdfast-1/,
  },
];
