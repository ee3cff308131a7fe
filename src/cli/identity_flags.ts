import { parseJoinToken } from "../identity/join_token.ts";
import { bootstrapModeProblem } from "./cert_mgr_mode.ts";
import { isIpAddress } from "./address.ts";
import type { Flag } from "./flag.ts";

const group = "Identity";

/** Flags of joining a cluster and of the node's certificates. */
export const identityFlags: readonly Flag[] = [
  {
    name: "kubeconfig",
    type: "string",
    default: "",
    placeholder: "FILE",
    help: "use this identity instead of joining: its user's client certificate or token, and its cluster's CA",
    group,
  },
  {
    name: "join-token",
    type: "string",
    default: "",
    placeholder: "TOKEN",
    help: "bootstrap token for the first certificate, and for a new one after it has expired",
    group,
    check: (text) =>
      text === "" || parseJoinToken(text) !== undefined
        ? undefined
        : "must be a token as kubeadm token create makes it: 6 characters, a dot, 16 characters, all of a-z and 0-9",
    secret: true,
  },
  {
    name: "bootstrap-file",
    type: "string",
    default: "",
    placeholder: "FILE",
    help: "kubeconfig with a join token, in place of --join-token",
    group,
  },
  {
    name: "discovery-token-ca-cert-hash",
    type: "list",
    default: "",
    placeholder: "sha256:HEX",
    help: "public keys of CAs that the cluster's must be among, as kubeadm join takes them",
    group,
    check: (text) => /^sha256:[0-9a-f]{64}$/i.test(text) ? undefined : "must be sha256:<64 hexadecimal digits>",
  },
  {
    name: "discovery-token-unsafe-skip-ca-verification",
    type: "boolean",
    default: "false",
    help: "join with the token alone as proof: whoever knows it can pose as the cluster",
    group,
  },
  {
    name: "cert-mgr-mode",
    type: "string",
    default: "hubself",
    placeholder: "MODE",
    help: "hubself: a certificate of the hub's own; or kubelet: follow kubelet's files",
    group,
    check: (text) => ["hubself", "kubelet"].includes(text) ? undefined : "must be hubself or kubelet",
  },
  {
    name: "bootstrap-mode",
    type: "string",
    default: "",
    placeholder: "MODE",
    help: "YurtHub's name for --cert-mgr-mode: token for hubself, kubeletcertificate for kubelet",
    group,
    check: bootstrapModeProblem,
  },
  {
    name: "hub-cert-organizations",
    type: "list",
    default: "",
    placeholder: "NAME",
    help: "further organizations of the client certificate, which then has OpenYurt's form and must be approved",
    group,
  },
  {
    name: "kubelet-ca-file",
    type: "string",
    default: "/etc/kubernetes/pki/ca.crt",
    placeholder: "FILE",
    help: "CA of the API servers, with --cert-mgr-mode=kubelet",
    group,
  },
  {
    name: "kubelet-client-certificate",
    type: "string",
    default: "/var/lib/kubelet/pki/kubelet-client-current.pem",
    placeholder: "FILE",
    help: "kubelet's certificate and key, with --cert-mgr-mode=kubelet",
    group,
  },
  {
    name: "node-ip",
    type: "string",
    default: "",
    defaultHelp: "those of the Node",
    placeholder: "IP",
    help: "address of this node in the serving certificate",
    group,
    check: (text) => text === "" || isIpAddress(text) ? undefined : "must be an IP address",
  },
];
