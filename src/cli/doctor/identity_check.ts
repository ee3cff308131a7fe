import { certificateMembers } from "../../identity/certificate_members.ts";
import { certificateNames } from "../../identity/certificate_names.ts";
import { nodesGroup, nodeUserPrefix } from "../../identity/certificate_template.ts";
import type { NodeIdentity } from "../../identity/kubeconfig.ts";
import { pemBlocks } from "../../identity/pem.ts";
import { tokenExpiry } from "../../identity/token_expiry.ts";
import { askReview } from "./access_review.ts";
import type { DoctorContext } from "./doctor_context.ts";
import type { LoadedIdentity } from "./doctor_identity.ts";
import { type Check, failed, type Finding, ok, skipped, warning } from "./finding.ts";
import { lifeFinding } from "./life_finding.ts";

/** Whether the node has a certificate or a token for the cloud, of its own name, that serves and is taken. */
export const identityCheck: Check = {
  name: "identity",
  run: async (context, signal) => {
    const loaded = await context.identity();
    if (loaded.state !== "held") return [absentFinding(loaded)];
    const { identity, source } = loaded;
    const finding = identity.cert === undefined
      ? tokenFinding(identity, { source, now: context.platform.clock.now() })
      : certificateFinding(identity.cert, { source, context });
    return finding.status === "failed" ? [finding] : [await acceptance(context, signal) ?? finding];
  },
};

function absentFinding(loaded: Exclude<LoadedIdentity, { readonly state: "held" }>): Finding {
  if (loaded.state === "missing") {
    return failed(
      `the hub cannot start: ${loaded.why}`,
      "give --join-token with --discovery-token-ca-cert-hash (kubeadm token create --print-join-command), or --kubeconfig, " +
        "or --cert-mgr-mode=kubelet",
    );
  }
  const { problem } = loaded;
  if (problem === undefined) return ok("the node has not joined yet; what it is given to join with fits the cluster");
  if (problem.passing) return skipped(`the node has not joined yet, and the cluster cannot be asked: ${problem.why}`);
  return failed(
    problem.why,
    "make a new token in this cluster, and take its hash too: kubeadm token create --print-join-command",
  );
}

interface Of {
  readonly source: string;
  readonly context: DoctorContext;
}

function certificateFinding(pem: string, { source, context }: Of): Finding {
  const der = pemBlocks(pem, "CERTIFICATE")[0]?.der ?? new Uint8Array();
  try {
    const life = certificateMembers(der);
    const owner = ownerFinding(pem, { source, nodeName: context.values.string("node-name") });
    if (owner.status === "failed") return owner;
    const ended = lifeFinding(life, {
      what: `the node's certificate in ${source}`,
      now: context.platform.clock.now(),
      advice: renewalAdvice(context, source),
    });
    return ended ?? owner;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return failed(`the certificate in ${source} cannot be read`, `put a whole PEM file there: ${error.message}`);
  }
}

function renewalAdvice({ values }: DoctorContext, source: string): string {
  if (values.string("kubeconfig") !== "") {
    return `whoever renews ${source} has not: for kubelet's see its log and rotateCertificates; a hub that joins by token ` +
      "renews its own";
  }
  if (source === values.string("kubelet-client-certificate")) return "see the log of kubelet, which renews it";
  return "see the hub's log and /readyz?verbose. An expired one is renewed with a join token (kubeadm token create): " +
    "--join-token, or POST /v1/token of the running hub";
}

function ownerFinding(
  pem: string,
  { source, nodeName }: { readonly source: string; readonly nodeName: string },
): Finding {
  const { commonName, organizations } = certificateNames(pem);
  const wanted = `${nodeUserPrefix}${nodeName}`;
  if (commonName === wanted && organizations.includes(nodesGroup)) return ok(`${source} is of ${commonName}`);
  if (commonName.startsWith(nodeUserPrefix) && commonName !== wanted) {
    return failed(
      `the certificate in ${source} is of ${commonName}, and --node-name is ${nodeName}`,
      "correct --node-name; another node's name needs another --root-dir and an identity of its own",
    );
  }
  return warning(
    `the certificate in ${source} is of ${commonName} (${organizations.join(", ")}), not of ${wanted} (${nodesGroup})`,
    "the hub then reads and writes as that user: a node's own certificate has the rights that a node needs, and no more",
  );
}

function tokenFinding(
  { token }: NodeIdentity,
  { source, now }: { readonly source: string; readonly now: number },
): Finding {
  if (token === undefined) {
    return failed(`${source} names neither a client certificate nor a token`, "give the user of that kubeconfig one");
  }
  const expiresAt = tokenExpiry(token);
  if (expiresAt !== undefined && expiresAt <= now) {
    return failed(
      `the token of ${source} expired at ${new Date(expiresAt).toISOString()}`,
      "see whoever renews it; a node better has a certificate, which a hub that joins renews by itself",
    );
  }
  return ok(`${source} gives a token`);
}

/** @returns nothing where an API server takes it, or cannot be asked */
async function acceptance(context: DoctorContext, signal: AbortSignal): Promise<Finding | undefined> {
  const asked = await context.api();
  if ("why" in asked) return undefined;
  const attributes = { verb: "get", resource: "nodes", name: context.values.string("node-name") };
  const review = askReview(asked.api, { resourceAttributes: attributes, signal });
  // An answer that is none says nothing of the identity.
  if (await review.catch(() => "unknown" as const) !== "unauthorized") return undefined;
  return failed(
    "the API server does not take the node's identity (401)",
    "it is of another cluster, revoked, or this machine's clock is wrong: join again with a new token, or take this " +
      "cluster's kubeconfig",
  );
}
