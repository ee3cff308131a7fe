import { type Fault, text } from "./doctor_fault.ts";

/** Of the way to the cloud, and of the cloud. */
export const cloudFaults: readonly Fault[] = [
  {
    what: "a clock that is a little behind",
    plant: (world) => void (world.aheadMs = 20_000),
    check: "clock",
    status: "warning",
    says: /clock is (19|20|21) s behind that of cloud.example:6443/,
    advises: /Over 60 s tokens are refused/,
  },
  {
    what: "a clock that is far ahead",
    plant: (world) => void (world.aheadMs = -300_000),
    check: "clock",
    status: "failed",
    says: /clock is (299|300|301) s ahead of that/,
    advises: /chronyd/,
  },
  {
    what: "a name that there is not",
    plant: (world) => void (world.resolveFailure = "unknown"),
    check: "names",
    status: "failed",
    says: /cloud.example has no address/,
    advises: /--server-addr/,
  },
  {
    what: "a name server that does not answer",
    plant: (world) => void (world.resolveFailure = "unanswered"),
    check: "names",
    status: "failed",
    says: /no name server tells the address of cloud.example/,
    advises: /resolv.conf/,
  },
  {
    what: "a link that is refused",
    plant: (world) => void (world.dialFailure = "refused"),
    check: "link",
    status: "failed",
    says: /cloud.example:6443 is out of reach/,
    advises: /whether the API server runs/,
  },
  {
    what: "a link that is silent",
    plant: (world) => void (world.dialFailure = "timeout"),
    check: "link",
    status: "failed",
    says: /is out of reach/,
    advises: /route/,
  },
  {
    what: "an API server of another CA",
    plant: (world) => void (world.requestFailure = "untrusted"),
    check: "link",
    status: "failed",
    says: /the node's CA does not vouch for it/,
    advises: /portal/,
  },
  {
    what: "an API server that is not ready",
    plant: (world) => void (world.cloud = (path) => path === "/readyz" ? text("[-]etcd failed", 500) : undefined),
    check: "link",
    status: "failed",
    says: /is not ready: \/readyz answered 500/,
    advises: /readyz\?verbose/,
  },
  {
    what: "a portal",
    plant: (world) => void (world.cloud = (path) => path === "/readyz" ? text("<html>Log in") : undefined),
    check: "link",
    status: "failed",
    says: /answered 200, but not ok: <html>Log in/,
    advises: /portal/,
  },
  {
    what: "a slow link",
    plant: (world) => void (world.answerMs = 2_600),
    check: "link",
    status: "warning",
    says: /slow \(TCP in \d+ ms, TLS and answer in \d+ ms\): the hub gives each check 2000 ms/,
    advises: /--heartbeat-timeout-seconds/,
  },
  {
    what: "a missing right",
    plant: (world) => void world.denied.add("watch endpointslices"),
    check: "rights",
    status: "warning",
    says: /servicetopology is off: the node may not watch endpointslices.discovery.k8s.io$/,
    advises: /kubectl apply -f deploy\/rbac\/hub.yaml/,
  },
  {
    what: "a missing right to a path",
    plant: (world) => void world.denied.add("get /openid/v1/jwks"),
    check: "rights",
    status: "warning",
    says: /not told apart: the node may not get \/openid\/v1\/jwks$/,
    advises: /deploy\/rbac\/hub.yaml/,
  },
  {
    what: "an old cluster",
    plant: (world) =>
      void (world.cloud = (path) =>
        path === "/version"
          ? text(JSON.stringify({ major: "1", minor: "18+", gitVersion: "v1.18.9-eks" }))
          : undefined),
    check: "cluster-version",
    status: "warning",
    says: /Kubernetes v1\.18\.9-eks is older than 1\.21/,
    advises: /1\.36 is tested/,
  },
];
